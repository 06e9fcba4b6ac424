/** Names of files as text and back: every name has one text, and no two names have the same. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { decodeName, encodeName, isUtf8 } from "../../../ffi/text.ts";

const decoded = (bytes: Buffer): string => decodeName(bytes, 0, bytes.length);

describe("names", () => {
  test.each([
    ["plain.txt", "plain.txt"],
    ["lat\xe9.txt", "lat\udce9.txt"],
    ["\xc3\xa9\xe9\xf0\x9f\x98\x80\xff", "é\udce9😀\udcff"],
    ["\xed\xa0\x80", "\udced\udca0\udc80"],
  ])("%j", (octets, text) => {
    const bytes = Buffer.from(octets, "latin1");
    expect(decoded(bytes)).toBe(text);
    expect(encodeName(text)).toEqual(bytes);
  });

  test("any bytes come back", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (array) => {
        const bytes = Buffer.from(array);
        expect(encodeName(decoded(bytes))).toEqual(bytes);
        expect(decoded(bytes).isWellFormed()).toBe(isUtf8(bytes, 0, bytes.length));
      }),
    );
  });

  test("any text comes back, but for surrogates that are no escaped byte", () => {
    fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => expect(decoded(encodeName(text))).toBe(text)));
    expect(encodeName("a\ud800b\udc7f\ud800")).toEqual(Buffer.from("a\ufffdb\ufffd\ufffd"));
  });
});
