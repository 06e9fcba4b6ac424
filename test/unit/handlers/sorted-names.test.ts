import { describe, expect, test } from "bun:test";
import { type SortedNames, Sorter } from "../../../src/handlers/listing/sorted-names.ts";

/** Names in no order, all different: 7919 is a prime that divides no `count` used here. */
const shuffled = (count: number): string[] => Array.from({ length: count }, (_, i) => `file-${(i * 7919) % count}.txt`);

function sorted(names: readonly string[]): { sorted: SortedNames; steps: number } {
  const sorter = new Sorter();
  for (const name of names) sorter.add(name);
  const work = sorter.pack();
  for (let steps = 1; ; steps++) {
    const { done, value } = work.next();
    if (done) return { sorted: value, steps };
  }
}

function all(names: SortedNames): string[] {
  const found: string[] = [];
  for (let next = names.after(""); next.length > 0; next = names.after(found.at(-1)!)) found.push(...next);
  return found;
}

describe("names come out in order, each once", () => {
  test.each([0, 1, 63, 64, 65, 2047, 2048, 2049, 4096, 30_000])("%i of them", (count) => {
    expect(all(sorted(shuffled(count)).sorted)).toEqual(shuffled(count).sort());
  });
  test.each([
    ["in order already", shuffled(5000).sort()],
    ["the other way round", shuffled(5000).sort().reverse()],
    ["of all scripts", ["z", "ä", "a", "\u{1f600}", "\uffee", "Z", "日本", "a b", "a-b"]],
  ])("%s", (_, names) => expect(all(sorted(names).sorted)).toEqual([...names].sort()));
});

test("many names take many short steps", () => expect(sorted(shuffled(30_000)).steps).toBeGreaterThan(10));

test("packed names take hardly more than their characters", () => {
  const names = shuffled(1000);
  const characters = names.join("").length;
  const { length } = sorted(names).sorted;
  expect(length).toBeGreaterThan(characters);
  expect(length).toBeLessThanOrEqual(characters + names.length);
});

describe("after", () => {
  const names = sorted(["b", "d", "f"]).sorted;
  test.each([
    ["", ["b", "d", "f"]],
    ["a", ["b", "d", "f"]],
    ["b", ["d", "f"]],
    ["c, which is not there", ["d", "f"]],
    ["e", ["f"]],
    ["f", []],
    ["g", []],
  ])("%p", (name, next) => expect(names.after(name)).toEqual(next));
  test("of no names at all", () => expect(sorted([]).sorted.after("")).toEqual([]));
});
