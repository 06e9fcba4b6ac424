/** Numeric addresses: read as inet_pton(3) reads them, written as RFC 5952 asks. */

import type { Pointer } from "bun:ffi";
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { AF_INET, AF_INET6 } from "../../../ffi/abi.ts";
import { formatAddress, parseAddress } from "../../../ffi/inet.ts";
import { Block, CString } from "../../../ffi/memory.ts";
import { openFirst } from "../../../ffi/platform.ts";

function openForTest() {
  const names = ["libc.so.6", "libc.musl-x86_64.so.1", "libc.musl-aarch64.so.1"];
  const opened = openFirst(names, { inet_pton: { args: ["i32", "ptr", "ptr"], returns: "i32" } } as const);
  if (typeof opened === "string") throw new Error(opened);
  return opened;
}
const libc = openForTest();
const text = new CString();
const address = new Block(16);

/** What the C library makes of it. */
function inetPton(written: string): number[] | null {
  const [family, length] = written.includes(":") ? [AF_INET6, 16] : [AF_INET, 4];
  const n = libc.inet_pton(family, text.of(written) as Pointer, address.address as Pointer);
  return n === 1 ? [...address.bytes.subarray(0, length)] : null;
}

const canonical = (written: string): string | null => {
  const bytes = parseAddress(written);
  return bytes && formatAddress(bytes, 0, bytes.length as 4 | 16);
};

describe("an address", () => {
  test.each([
    ["127.0.0.1", "127.0.0.1"],
    ["0.0.0.0", "0.0.0.0"],
    ["255.255.255.255", "255.255.255.255"],
    ["::", "::"],
    ["::1", "::1"],
    ["1::", "1::"],
    ["fe80::1", "fe80::1"],
    ["2001:DB8::A", "2001:db8::a"], // §4.3: lower case
    ["2001:0db8::0001", "2001:db8::1"], // §4.1: no leading zeros
    ["2001:db8:0:0:0:0:2:1", "2001:db8::2:1"], // §4.2.1: shorten as much as possible
    ["2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"], // §4.2.2: not one field alone
    ["2001:db8::1:1:1:1:1", "2001:db8:0:1:1:1:1:1"],
    ["2001:0:0:1:0:0:0:1", "2001:0:0:1::1"], // §4.2.3: the longest run
    ["2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"], // §4.2.3: the first of two
    ["0:0:0:0:0:0:0:1", "::1"],
    ["1:0:0:0:0:0:0:0", "1::"],
    ["1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"],
    ["::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"],
    ["::ffff:10.0.0.1", "::ffff:10.0.0.1"], // §5: the prefix tells that it is IPv4
    ["::ffff:a00:1", "::ffff:10.0.0.1"],
    ["64:ff9b::10.0.0.1", "64:ff9b::a00:1"],
    ["1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"],
    ["1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304"],
  ])("%s is %s", (written, expected) => {
    expect(canonical(written)).toBe(expected);
    expect(parseAddress(written)).toEqual(inetPton(written)!);
  });
});

describe("no address", () => {
  test.each([
    [""],
    ["localhost"],
    ["1.2.3"],
    ["1.2.3.4.5"],
    ["1.2.3.256"],
    ["1.2.3.04"],
    ["1.2.3.-4"],
    ["1.2.3.+4"],
    ["1.2.3.4 "],
    [" 1.2.3.4"],
    ["1.2.3.0x4"],
    ["1.2.3.4e0"],
    ["1..3.4"],
    ["16909060"],
    [":"],
    [":::"],
    ["1:::2"],
    ["::1::"],
    [":1::2"],
    ["1::2:"],
    ["1:2:3:4:5:6:7"],
    ["1:2:3:4:5:6:7:8:9"],
    ["1:2:3:4:5:6:7:8::"],
    ["::1:2:3:4:5:6:7:8"],
    ["12345::"],
    ["g::"],
    ["::1.2.3"],
    ["::1.2.3.4:1"],
    ["1.2.3.4::"],
    ["1:1.2.3.4::1"],
    ["1:2:3:4:5:6:7:1.2.3.4"],
    ["[::1]"],
    ["fe80::1%eth0"],
    ["::1/128"],
  ])("%p", (written) => {
    expect(parseAddress(written)).toBeNull();
    expect(inetPton(written)).toBeNull();
  });
});

describe("any", () => {
  const piece = fc.constantFrom(
    "0",
    "1",
    "ffff",
    "00ff",
    "12345",
    "A",
    "g",
    ":",
    ":",
    "::",
    ".",
    "1.2.3.4",
    "255",
    "256",
    "01",
  );
  const almost = fc.array(piece, { maxLength: 17 }).map((pieces) => pieces.join(""));
  const groups = fc
    .array(fc.constantFrom("0", "0", "1", "ffff", "00ff", ""), { minLength: 2, maxLength: 9 })
    .map((words) => words.join(":"));
  const dotted = fc
    .array(fc.integer({ min: -1, max: 300 }), { minLength: 3, maxLength: 5 })
    .map((numbers) => numbers.join("."));

  test("text is read as inet_pton reads it", () => {
    const property = fc.property(fc.oneof(almost, groups, dotted), (written) => {
      expect([written, parseAddress(written)]).toEqual([written, inetPton(written)]);
    });
    fc.assert(property, { numRuns: 5000 });
  });

  test("address survives being written and read, wherever its bytes lie", () => {
    const word = fc.oneof(fc.constant([0, 0]), fc.tuple(fc.nat(255), fc.nat(255)));
    const bytes = fc.array(word, { minLength: 8, maxLength: 8 }).map((words) => words.flat());
    const property = fc.property(bytes, fc.nat(5), (sixteen, start) => {
      const padded = [...Array<number>(start).fill(7), ...sixteen, 7];
      expect(parseAddress(formatAddress(padded, start, 16))).toEqual(sixteen);
      expect(parseAddress(formatAddress(padded, start, 4))).toEqual(sixteen.slice(0, 4));
    });
    fc.assert(property, { numRuns: 2000 });
  });

  test("IPv6 address has one canonical text: written, it is not changed by reading and writing", () => {
    const property = fc.property(groups, (written) => {
      const once = canonical(written);
      if (once !== null) expect(canonical(once)).toBe(once);
    });
    fc.assert(property, { numRuns: 1000 });
  });
});
