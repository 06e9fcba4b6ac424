import { expect, test } from "bun:test";
import { nameText, octets, unicode } from "../../../src/http/octets.ts";

const ROWS: readonly [text: string, octets: string][] = [
  ["", ""],
  ["plain ~\0\n", "plain ~\0\n"],
  ["ü", "\xc3\xbc"],
  ["€", "\xe2\x82\xac"],
  ["😀", "\xf0\x9f\x98\x80"],
  ["\ufffd", "\xef\xbf\xbd"],
  ["a\u0085b", "a\xc2\x85b"],
];

test.each(ROWS)("%j", (text, bytes) => {
  expect(octets(text)).toBe(bytes);
  expect(unicode(bytes)).toBe(text);
});

test.each(["\xff", "a\xfc", "\xc3", "\xed\xa0\x80", "\xc0\x80"])("%j is no UTF-8 and stays as it is", (bytes) => {
  expect(unicode(bytes)).toBe(bytes);
  expect(octets(nameText(bytes))).toBe(bytes);
  expect(nameText(bytes).isWellFormed()).toBe(false);
});
