/** bench/against.ts: how two servers are measured in turn, and what is said of the figures. */
import { expect, test } from "bun:test";
import { interleaved, report, type Side } from "../../../bench/against.ts";

/** Two sides that write down whose turn it is; round `n` costs the one 10 n, the other n. */
function sides(turns: string[]): Side[] {
  const side = (name: string, factor: number): Side => {
    let round = 0;
    const cost = async (): Promise<number> => {
      turns.push(name);
      return factor * round++;
    };
    return { cost, stop: async () => {} };
  };
  return [side("this", 10), side("other", 1)];
}

test("each is first in every other round, and the round for warming up does not count", async () => {
  const turns: string[] = [];
  expect(await interleaved(sides(turns), 3)).toEqual([
    [10, 1],
    [20, 2],
    [30, 3],
  ]);
  expect(turns).toEqual(["this", "other", "other", "this", "this", "other", "other", "this"]);
});

test("the middle ratio counts, whatever the others are", () => {
  const { checks, rows } = report("../before", "small", [
    [100, 100],
    [101, 100],
    [300, 100],
  ]);
  expect(checks).toEqual([{ what: "small: this tree / ../before", value: 1.01, limit: 1.02, pass: true }]);
  expect(rows[1]).toEqual(["../before", "100.00", "1.010x", "1.000x", "3.000x", "<= 1.02x", "pass"]);
});
