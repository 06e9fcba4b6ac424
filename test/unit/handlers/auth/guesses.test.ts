/** How much slower guessing gets, and that nothing of it grows without bound; what is remembered, and for how long. */
import { describe, expect, test } from "bun:test";
import { Guesses, guesserOf } from "../../../../src/handlers/auth/guesses.ts";
import { RememberedAnswers } from "../../../../src/handlers/auth/remembered.ts";

const MINUTE = 60_000;

describe("wrong passwords", () => {
  test("are answered at once three times, then ever later, until four seconds", () => {
    const guesses = new Guesses();
    const delays = Array.from({ length: 10 }, (_, i) => guesses.wrong(["a"], i));
    expect(delays).toEqual([0, 0, 0, 250, 500, 1000, 2000, 4000, 4000, 4000]);
  });

  test("count for the address and for the user", () => {
    const guesses = new Guesses();
    for (let i = 0; i < 5; i++) guesses.wrong([`address ${i}`, "ann"], i);
    expect(guesses.wrong(["another", "ann"], 9)).toBe(1000);
    expect(guesses.wrong(["another", "bob"], 9)).toBe(0);
  });

  test("are forgotten ten minutes after the last", () => {
    const guesses = new Guesses();
    for (let i = 0; i < 5; i++) guesses.wrong(["a"], i);
    expect(guesses.wrong(["a"], 9 * MINUTE)).toBe(1000);
    expect(guesses.wrong(["a"], 19 * MINUTE)).toBe(0);
  });

  test("of more than 10,000 are counted for those that guessed last", () => {
    const guesses = new Guesses();
    for (let i = 0; i < 4; i++) guesses.wrong(["old"], i);
    for (let i = 0; i < 10_000; i++) guesses.wrong([`new ${i}`], 10);
    expect(guesses.wrong(["old"], 20)).toBe(0);
  });
});

test("an address has at most 32 questions open, all together 1024", () => {
  const guesses = new Guesses();
  const entered = (address: string, count: number): number =>
    Array.from({ length: count }, () => guesses.enter(address)).filter(Boolean).length;
  expect(entered("a", 40)).toBe(32);
  guesses.leave("a");
  expect(entered("a", 40)).toBe(1);
  for (let i = 0; i < 31; i++) entered(`b ${i}`, 32);
  expect(entered("c", 1)).toBe(0);
});

test.each([
  [[192, 0, 2, 1], "c0000201"],
  [[0x20, 1, 0xd, 0xb8, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12], "20010db801020304"],
  [[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 1], "00000000000000000000ffffc0000201"],
  [[], ""],
])("whoever comes from %j is %p", (bytes, guesser) => {
  expect(guesserOf(new Uint8Array(bytes))).toBe(guesser);
});

describe("right answers", () => {
  const password = Buffer.from("secret");

  test("are remembered for a minute", () => {
    const answers = new RememberedAnswers("key");
    answers.add(answers.name(1, "ann", password), 1000);
    const has = (version: number, user: string, word: string, now: number): boolean =>
      answers.has(answers.name(version, user, Buffer.from(word)), now);
    expect(has(1, "ann", "secret", 60_999)).toBe(true);
    expect(has(2, "ann", "secret", 1001)).toBe(false);
    expect(has(1, "ann", "secre", 1001)).toBe(false);
    expect(has(1, "an", "nsecret", 1001)).toBe(false);
    expect(has(1, "ann", "secret", 61_000)).toBe(false);
  });

  test("are known by nothing that tells the password, and differently in each process", () => {
    const [one, other] = [new RememberedAnswers("key"), new RememberedAnswers("other")];
    expect(one.name(1, "ann", password)).toMatch(/^[A-Za-z0-9+/]{43}=$/);
    expect(one.name(1, "ann", password)).not.toBe(other.name(1, "ann", password));
  });

  test("of more than 10,000 the oldest goes", () => {
    const answers = new RememberedAnswers("key");
    for (let i = 0; i <= 10_000; i++) answers.add(`${i}`, i);
    expect([answers.has("0", 10_000), answers.has("1", 10_000)]).toEqual([false, true]);
  });
});
