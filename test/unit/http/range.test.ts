/** Ranges (RFC 9110 §14.1-§14.2) of a representation of 1000 bytes unless said otherwise. */
import { expect, test } from "bun:test";
import {
  contentRange,
  parseRange,
  RANGE_IGNORED,
  RANGE_UNSATISFIABLE,
  unsatisfiedRange,
} from "../../../src/http/reply/range.ts";

/** Ranges as `first-last` in a row, or the word for none. */
function ranges(value: string, size = 1000): string {
  const result = parseRange(value, size, 16);
  return typeof result === "string" ? result : result.map(({ start, end }) => `${start}-${end}`).join(" ");
}

test.each([
  ["bytes=0-0", "0-0"],
  ["bytes=0-499", "0-499"],
  ["Bytes=500-", "500-999"],
  ["bytes=-500", "500-999"],
  ["bytes=-5000", "0-999"],
  ["bytes=900-5000", "900-999"],
  ["bytes=999-", "999-999"],
  ["bytes=0-0,-1", "0-0 999-999"],
  ["bytes= 5-6 ,\t1-2, ", "5-6 1-2"],
  ["bytes=0-9,2000-3000", "0-9"],
  ["bytes=0-99999999999999999999999999", "0-999"],
])("%s asks for %s", (value, expected) => expect(ranges(value)).toBe(expected));

test.each([
  ["bytes=0-5,3-9", "0-9", "overlapping"],
  ["bytes=0-4,5-9", "0-9", "touching"],
  ["bytes=20-29,0-9,5-21", "0-29", "out of order"],
  ["bytes=0-,0-,0-", "0-999", "the same again and again"],
  ["bytes=0-1,0-1,8-9", "0-1 8-9", "two of three"],
])("%s is joined to %s: %s", (value, expected) => expect(ranges(value)).toBe(expected));

test.each(["bytes=1000-", "bytes=1000-2000", "bytes=-0", "bytes=1000-,2000-"])("%s is unsatisfiable", (value) => {
  expect(ranges(value)).toBe(RANGE_UNSATISFIABLE);
});

test.each([
  ["items=0-5", "another unit"],
  ["bytes 0-5", "no equals sign"],
  ["bytes=", "no range"],
  ["bytes=,", "an empty list"],
  ["bytes=-", "neither first nor last"],
  ["bytes=5", "no hyphen"],
  ["bytes=5-4", "last before first"],
  ["bytes=a-b", "no digits"],
  ["bytes=+1-2", "a sign"],
  ["bytes=0x1-2", "hexadecimal"],
  ["bytes=1 - 2", "spaces within"],
  ["bytes=0-1,x", "one of several malformed"],
  [`bytes=${Array.from({ length: 17 }, (_, i) => `${4 * i}-${4 * i}`).join()}`, "absurdly many"],
])("%s is ignored: %s", (value) => expect(ranges(value)).toBe(RANGE_IGNORED));

test("of an empty representation all is asked for, or what is not there", () => {
  const of = (value: string) => ranges(value, 0);
  expect(["bytes=0-", "bytes=0-9", "bytes=-1", "bytes=-1,5-"].map(of)).toEqual(Array(4).fill(RANGE_IGNORED));
  expect(["bytes=1-", "bytes=-0"].map(of)).toEqual(Array(2).fill(RANGE_UNSATISFIABLE));
});

test("Content-Range", () => {
  expect(contentRange({ start: 0, end: 9 }, 1000)).toBe("bytes 0-9/1000");
  expect(unsatisfiedRange(1000)).toBe("bytes */1000");
});
