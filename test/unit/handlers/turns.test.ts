import { describe, expect, test } from "bun:test";
import { Turns } from "../../../src/handlers/listing/turns.ts";

/** Who got how many steps of a turn in which all ask, in this order, until they are refused. */
function turn(turns: Turns<string>, now: number, workers: string): string {
  let done = "";
  for (const worker of workers) while (turns.take(worker, now)) done += worker;
  return done;
}

test("one alone has all steps of every turn", () => {
  const turns = new Turns<string>(4);
  expect([1, 2, 3].map((now) => turn(turns, now, "a"))).toEqual(["aaaa", "aaaa", "aaaa"]);
});

test("together they have no more, and each has its turn", () => {
  const turns = new Turns<string>(4);
  const done = [1, 2, 3, 4, 5, 6].map((now) => turn(turns, now, "abcdefgh"));
  expect(done.map((steps) => steps.length)).toEqual([4, 4, 4, 4, 4, 4]);
  expect([...new Set(done.slice(0, 4).join(""))].sort().join("")).toBe("abcdefgh");
});

test("newcomers do not overtake those who wait", () => {
  const turns = new Turns<string>(1);
  expect(turn(turns, 1, "abc")).toBe("a");
  expect(turn(turns, 2, "xabc")).toBe("a");
  expect(turn(turns, 3, "yxabc")).toBe("b");
  expect(turn(turns, 4, "zyxabc")).toBe("c");
});

test("those who do not come when called keep nobody waiting for long", () => {
  const turns = new Turns<string>(1);
  turn(turns, 1, "abc");
  expect([2, 3, 4].map((now) => turn(turns, now, "c"))).toEqual(["", "", "c"]);
});

test("those who left are not called", () => {
  const turns = new Turns<string>(1);
  turn(turns, 1, "abc");
  turns.leave("a");
  turns.leave("b");
  expect(turn(turns, 2, "c")).toBe("c");
});

describe("steps that cost different amounts", () => {
  test("together they cost no more than a turn has", () => {
    const turns = new Turns<string>(100);
    expect([turns.take("a", 1, 60), turns.take("b", 1, 60), turns.take("c", 1, 30)]).toEqual([true, false, false]);
    expect([turns.take("b", 2, 60), turns.take("c", 2, 30), turns.take("d", 2, 30)]).toEqual([true, true, false]);
  });

  test("one that costs more than a turn has is done, alone", () => {
    const turns = new Turns<string>(100);
    expect(turns.take("a", 1, 300)).toBe(false);
    expect([turns.take("a", 2, 300), turns.take("b", 2, 10)]).toEqual([true, false]);
    expect(turns.take("b", 3, 10)).toBe(true);
  });

  test("what could not wait leaves less for others, and what will not wait is not waited for", () => {
    const turns = new Turns<string>(100);
    turns.charge(1, 90);
    expect([turns.takeNow(1, 20), turns.takeNow(1, 10), turns.take("a", 1, 10)]).toEqual([false, true, false]);
    expect([turns.takeNow(2, 90), turns.takeNow(2, 90), turns.take("a", 2, 10)]).toEqual([true, false, true]);
  });
});
