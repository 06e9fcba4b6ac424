import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { formatAddress } from "../../../../ffi/inet.ts";
import { variablesOf } from "./world.ts";

const address = (bytes: readonly number[]): string => formatAddress(bytes, 0, bytes.length as 4 | 16);
const asking = (text: string) => {
  const value = variablesOf(`geo $arg_ip $v { ${text} }`);
  return (bytes: readonly number[]) => value("v", { target: `/?ip=${address(bytes)}` });
};

/** Few different bytes, so that networks meet. */
const bytes = (length: number) =>
  fc.array(fc.constantFrom(0, 1, 2, 127, 128, 254, 255), { minLength: length, maxLength: length });

describe("the narrowest network wins", () => {
  const bit = (all: readonly number[], i: number): number => (all[i >> 3]! >> (7 - (i & 7))) & 1;
  const contains = (network: readonly number[], bits: number, one: readonly number[]): boolean =>
    Array.from({ length: bits }, (_, i) => i).every((i) => bit(network, i) === bit(one, i));

  test.each([4, 16])("of addresses of %d bytes", (length) => {
    const network = fc.record({ at: bytes(length), bits: fc.nat(length * 8), isDeleted: fc.boolean() });
    fc.assert(
      fc.property(fc.array(network, { maxLength: 12 }), bytes(length), (networks, one) => {
        const lines = networks.map(({ at, bits, isDeleted }, i) =>
          isDeleted && i % 3 === 0 ? `delete ${address(at)}/${bits};` : `${address(at)}/${bits} v${i};`,
        );
        const known = new Map<string, { bits: number; value: string }>();
        for (const [i, { at, bits, isDeleted }] of networks.entries()) {
          const key = `${at.flatMap((_, j) => Array.from({ length: 8 }, (_, k) => (j * 8 + k < bits ? bit(at, j * 8 + k) : 0)))}/${bits}`;
          if (isDeleted && i % 3 === 0) known.delete(key);
          else if (contains(at, bits, one)) known.set(key, { bits, value: `v${i}` });
          else known.delete(key);
        }
        const best = [...known.values()].sort((a, b) => b.bits - a.bits)[0];
        // An IPv4-mapped address is looked up as an IPv4 one.
        fc.pre(!address(one).startsWith("::ffff:"));
        expect(asking(lines.join(" "))(one)).toBe(best?.value ?? "");
      }),
    );
  });
});

test("the ranges of nginx's rules are as if written one address after the other", () => {
  const end = fc.tuple(fc.constantFrom(0, 1), fc.constantFrom(0, 1, 2, 254, 255));
  fc.assert(
    fc.property(fc.array(fc.tuple(end, end), { maxLength: 10 }), end, (pairs, [c, d]) => {
      const number = ([high, low]: readonly [number, number]): number => high * 256 + low;
      const kept: { from: number; to: number }[] = [];
      const lines: string[] = [];
      const naive = new Map<number, string>();
      for (const [i, pair] of pairs.entries()) {
        const [from, to] = pair.map(number).toSorted((a, b) => a - b) as [number, number];
        const pieces = kept.filter((one) => one.from <= to && one.to >= from);
        const overlaps = pieces.length > 1 || (pieces.length === 1 && (from < pieces[0]!.from || to > pieces[0]!.to));
        if (overlaps) continue;
        if (pieces.length === 1) {
          const [{ from: a, to: b }] = pieces as [{ from: number; to: number }];
          kept.splice(kept.indexOf(pieces[0]!), 1);
          if (a < from) kept.push({ from: a, to: from - 1 });
          if (to < b) kept.push({ from: to + 1, to: b });
        }
        kept.push({ from, to });
        lines.push(`10.0.${from >> 8}.${from & 255}-10.0.${to >> 8}.${to & 255} v${i};`);
        for (let one = from; one <= to; one++) naive.set(one, `v${i}`);
      }
      expect(asking(`ranges; default none; ${lines.join(" ")}`)([10, 0, c, d])).toBe(
        naive.get(number([c, d])) ?? "none",
      );
    }),
  );
});

describe("the address", () => {
  const value = variablesOf(
    "geo $v { default none; 10.0.0.0/8 ten; 255.255.255.255 strange; 2001:db8::/32 six; } geo $r { ranges; default none; 10.0.0.0-10.0.0.9 ten; }",
  );
  const from = (remoteBytes: readonly number[]) => ({ connection: { remoteBytes: Uint8Array.from(remoteBytes) } });
  const mapped = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 10, 0, 0, 1];
  const six = [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
  test.each([
    ["v", [10, 0, 0, 1], "ten"],
    ["v", mapped, "ten"],
    ["v", six, "six"],
    ["v", [], "strange"],
    ["v", [11, 0, 0, 1], "none"],
    ["r", [10, 0, 0, 9], "ten"],
    ["r", mapped, "ten"],
    ["r", six, "none"],
    ["r", [], "none"],
  ] as const)("$%s of a client at %j is %s", (name, bytes, expected) => {
    expect(value(name, from(bytes))).toBe(expected);
  });
});
