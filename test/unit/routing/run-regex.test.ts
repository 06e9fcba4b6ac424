/** A run of characters is found as JavaScriptCore finds it; anything else is none. */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { parseRegex } from "../../../src/routing/regex-syntax.ts";
import { RunRegex } from "../../../src/routing/run-regex.ts";

const of = ({ source, flags }: RegExp): RunRegex | null => RunRegex.of(parseRegex(source), flags);

test.each([/[ab]{2,}/, /((?:[^-]{3,}))/, /([ab]+)/i, /(?:(\w{2,}))/])("%p", (regex) => {
  const text = fc.string({ unit: fc.constantFrom("a", "b", "B", "-"), maxLength: 12 });
  fc.assert(
    fc.property(text, (one) => {
      const [found, expected] = [of(regex)!.exec(one), regex.exec(one)];
      expect([found?.index, ...(found ?? [])]).toEqual([expected?.index, ...(expected ?? [])]);
    }),
  );
});

test("it is for nothing else", () => {
  const others = [/a*/, /(a)+/, /a+b/, /a+?/, /a{2,5}/, /a+|b/, /^a+/, /(?<x>a+)/, /a+/u];
  expect(others.filter((regex) => of(regex) !== null)).toEqual([]);
  expect([/[ab]{2,}/, /((?:[^-]{3,}))/, /([ab]+)/i].filter((regex) => of(regex) === null)).toEqual([]);
});
