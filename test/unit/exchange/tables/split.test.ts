import { expect, test } from "bun:test";
import { murmurHash2 } from "../../../../src/exchange/tables/murmur.ts";
import { variablesOf } from "./world.ts";

// Values of the reference implementation with seed 0 (MurmurHash2.cpp).
test.each([
  ["", 0],
  ["a", 0x92685f5e],
])("MurmurHash2 of %j", (text, hash) => expect(murmurHash2(text)).toBe(hash));

test("shares are as large as they say", () => {
  const value = variablesOf("split_clients $arg_n $v { 10% a; 0.5% b; 39.5% c; * d; }");
  const counts: Record<string, number> = {};
  for (let n = 0; n < 20_000; n++) {
    const found = value("v", { target: `/?n=${n}` });
    counts[found] = (counts[found] ?? 0) + 1;
  }
  expect(Math.abs(counts.a! - 2000)).toBeLessThan(200);
  expect(Math.abs(counts.b! - 100)).toBeLessThan(50);
  expect(Math.abs(counts.c! - 7900)).toBeLessThan(300);
  expect(Math.abs(counts.d! - 10_000)).toBeLessThan(300);
});
