/** Lines of a script's standard error, however they arrive. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { ErrorLines } from "../../../src/handlers/cgi/stderr.ts";

/** The lines of `bytes` that arrive in pieces which end at `ends`, in one buffer that is used again. */
function lines(bytes: Buffer, ends: readonly number[] = [bytes.length]): string[] {
  const logged: string[] = [];
  const errors = new ErrorLines((line) => logged.push(line));
  const buffer = Buffer.alloc(bytes.length + 1);
  let from = 0;
  for (const end of ends) {
    buffer.fill("?");
    bytes.copy(buffer, 1, from, end);
    errors.feed(buffer, 1, 1 + end - from, Number.POSITIVE_INFINITY);
    from = end;
  }
  errors.end();
  return logged;
}

const MOST = 8192;
const table: [why: string, bytes: string | Buffer, lines: string[]][] = [
  ["nothing", "", []],
  ["a line", "oops\n", ["oops"]],
  ["a line without end", "oops", ["oops"]],
  ["two, the second without end", "a\nb", ["a", "b"]],
  ["lines of Windows", "a\r\nb\r\n", ["a", "b"]],
  ["a bare CR is part of its line, as are other controls", "a\rb\0\x1b[31m\tc\n", ["a\rb\0\x1b[31m\tc"]],
  ["empty lines say nothing", "\n\r\n\na\n\n", ["a"]],
  ["UTF-8", "grün €\n", ["grün €"]],
  ["what is no UTF-8", Buffer.from("a\xff\xfc\n", "latin1"), ["a\xff\xfc"]],
  ["as long as a line may be", "a".repeat(MOST) + "\nb\n", ["a".repeat(MOST), "b"]],
  ["a byte longer", "a".repeat(MOST + 1) + "\nb\n", ["a".repeat(MOST) + "...", "b"]],
  ["much longer, without end", "a".repeat(3 * MOST), ["a".repeat(MOST) + "..."]],
  ["cut within a character", "a".repeat(MOST - 1) + "ü\n", ["a".repeat(MOST - 1) + "..."]],
  ["cut within a longer one", "a".repeat(MOST - 3) + "😀\n", ["a".repeat(MOST - 3) + "..."]],
  ["cut behind a character", "a".repeat(MOST - 2) + "üb\n", ["a".repeat(MOST - 2) + "ü..."]],
];

describe("lines", () => {
  test.each(table)("%s", (_, text, expected) => {
    const bytes = Buffer.from(text as string);
    expect(lines(bytes)).toEqual(expected);
    expect(
      lines(
        bytes,
        Array.from(bytes, (_, i) => i + 1),
      ),
    ).toEqual(expected);
    for (const cut of [1, 2, MOST - 1, MOST, MOST + 1]) {
      if (cut < bytes.length) expect(lines(bytes, [cut, bytes.length])).toEqual(expected);
    }
  });
});

test("cutting what comes anywhere changes no line", () => {
  const texts = fc.array(fc.constantFrom("a", "ü", "\n", "\r\n", "\r", "b".repeat(5000), "\0"), { maxLength: 12 });
  const property = fc.property(texts, fc.array(fc.nat(12_000), { maxLength: 6 }), (pieces, cuts) => {
    const bytes = Buffer.from(pieces.join(""));
    const ends = [...cuts.filter((cut) => cut < bytes.length).toSorted((a, b) => a - b), bytes.length];
    const whole = lines(bytes);
    expect(lines(bytes, ends)).toEqual(whole);
    for (const line of whole) expect(Buffer.byteLength(line)).toBeLessThanOrEqual(MOST + 3);
  });
  fc.assert(property, { numRuns: 500 });
});
