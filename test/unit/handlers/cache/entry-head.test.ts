/** The head of an entry's file: what is written is read, and nothing else is taken for one. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { decodeHead, encodeHead, headLength, PRELUDE } from "../../../../src/handlers/cache/disk/entry-head.ts";
import { IS_NAME, nameOf, pathOf, variantOf } from "../../../../src/handlers/cache/disk/key.ts";

const octets = fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes).latin1Slice());
const second = fc.integer({ min: 0, max: 2 ** 40 });
const heads = fc
  .record({
    key: octets,
    until: second,
    whileUpdating: second,
    ifError: second,
    storedAt: second,
    status: fc.integer({ min: 200, max: 599 }),
    fields: fc.array(fc.tuple(octets, octets), { maxLength: 8 }),
    vary: octets,
    modified: fc.oneof(second, fc.constant(-1)),
    etag: octets,
    bodyLength: fc.integer({ min: 0, max: 2 ** 45 }),
  })
  .map((head) => ({ ...head, variant: head.vary === "" ? "" : nameOf(head.key) }));

describe("the head of an entry", () => {
  test("is read as it was written, whatever follows it", () => {
    fc.assert(
      fc.property(heads, fc.uint8Array({ maxLength: 20 }), (head, rest) => {
        const bytes = encodeHead(head)!;
        expect(headLength(bytes)).toBe(bytes.length);
        expect(decodeHead(Buffer.concat([bytes, rest]))).toEqual(head);
      }),
    );
  });

  test("is refused if one byte is another, or the end is missing", () => {
    fc.assert(
      fc.property(heads, fc.nat(), fc.integer({ min: 1, max: 255 }), (head, where, change) => {
        const bytes = encodeHead(head)!;
        const cut = bytes.subarray(0, where % bytes.length);
        expect(decodeHead(cut)).toBeNull();
        const at = where % bytes.length;
        bytes[at] = bytes[at]! ^ change;
        expect(decodeHead(bytes)).toBeNull();
      }),
    );
  });

  test("keeps its length when only numbers change, so that it can be written anew in place", () => {
    fc.assert(
      fc.property(heads, second, (head, until) => {
        const bytes = encodeHead({ ...head, bodyLength: -1 })!;
        encodeHead({ ...head, until })!.copy(bytes, 0, 0, PRELUDE);
        expect(decodeHead(bytes)).toEqual({ ...head, until });
      }),
    );
  });

  test("is not stored if it is too long", () => {
    const fields = [["X", "y".repeat(200_000)] as const];
    const head = { key: "", until: 0, whileUpdating: 0, ifError: 0, storedAt: 0, status: 200, fields, vary: "" };
    expect(encodeHead({ ...head, variant: "", modified: -1, etag: "", bodyLength: 0 })).toBeNull();
  });

  test("is not any foreign file", () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => decodeHead(Buffer.from(bytes)) === null));
  });
});

describe("the name of an entry", () => {
  test("is the MD5 of its key's octets, in folders from its end, as in nginx", () => {
    expect(nameOf("http://backend/x")).toMatch(IS_NAME);
    expect(nameOf("")).toBe("d41d8cd98f00b204e9800998ecf8427e");
    expect(pathOf("b7f54b2df7773722d382f4809d65029c", [1, 2])).toBe("c/29/b7f54b2df7773722d382f4809d65029c");
    expect(pathOf("b7f54b2df7773722d382f4809d65029c", [])).toBe("b7f54b2df7773722d382f4809d65029c");
  });

  test("is another for each variant, but white space and empty members do not count", () => {
    const of = (value: string) =>
      variantOf("k", "Accept-Encoding", (name) => (name === "accept-encoding" ? [value] : []));
    expect(of("gzip,  br ,")).toBe(of("gzip, br"));
    expect(of("gzip")).not.toBe(of("br"));
    expect(of("gzip")).not.toBe(nameOf("k"));
  });
});
