import { describe, expect, test } from "bun:test";
import { TurnBudget } from "../../../src/handlers/turn-budget.ts";

/** Who got how many steps of a turn in which all ask, in this order, until they are refused. */
function turn(budget: TurnBudget<string>, now: number, workers: string): string {
  let done = "";
  for (const worker of workers) while (budget.take(worker, now)) done += worker;
  return done;
}

test("one alone has all steps of every turn", () => {
  const budget = new TurnBudget<string>(4);
  expect([1, 2, 3].map((now) => turn(budget, now, "a"))).toEqual(["aaaa", "aaaa", "aaaa"]);
});

test("together they have no more, and each has its turn", () => {
  const budget = new TurnBudget<string>(4);
  const done = [1, 2, 3, 4, 5, 6].map((now) => turn(budget, now, "abcdefgh"));
  expect(done.map((steps) => steps.length)).toEqual([4, 4, 4, 4, 4, 4]);
  expect([...new Set(done.slice(0, 4).join(""))].sort().join("")).toBe("abcdefgh");
});

test("newcomers do not overtake those who wait", () => {
  const budget = new TurnBudget<string>(1);
  expect(turn(budget, 1, "abc")).toBe("a");
  expect(turn(budget, 2, "xabc")).toBe("a");
  expect(turn(budget, 3, "yxabc")).toBe("b");
  expect(turn(budget, 4, "zyxabc")).toBe("c");
});

test("those who do not come when granted keep nobody waiting for long", () => {
  const budget = new TurnBudget<string>(1);
  turn(budget, 1, "abc");
  expect([2, 3, 4].map((now) => turn(budget, now, "c"))).toEqual(["", "", "c"]);
});

test("those who left are not granted", () => {
  const budget = new TurnBudget<string>(1);
  turn(budget, 1, "abc");
  budget.leave("a");
  budget.leave("b");
  expect(turn(budget, 2, "c")).toBe("c");
});

describe("steps that cost different amounts", () => {
  test("together they cost no more than a turn has", () => {
    const budget = new TurnBudget<string>(100);
    expect([budget.take("a", 1, 60), budget.take("b", 1, 60), budget.take("c", 1, 30)]).toEqual([true, false, false]);
    expect([budget.take("b", 2, 60), budget.take("c", 2, 30), budget.take("d", 2, 30)]).toEqual([true, true, false]);
  });

  test("one that costs more than a turn has is done, alone", () => {
    const budget = new TurnBudget<string>(100);
    expect(budget.take("a", 1, 300)).toBe(false);
    expect([budget.take("a", 2, 300), budget.take("b", 2, 10)]).toEqual([true, false]);
    expect(budget.take("b", 3, 10)).toBe(true);
  });

  test("what could not wait leaves less for others, and what will not wait is not waited for", () => {
    const budget = new TurnBudget<string>(100);
    budget.charge(1, 90);
    expect([budget.takeNow(1, 20), budget.takeNow(1, 10), budget.take("a", 1, 10)]).toEqual([false, true, false]);
    expect([budget.takeNow(2, 90), budget.takeNow(2, 90), budget.take("a", 2, 10)]).toEqual([true, false, true]);
  });
});
