import { expect, test } from "bun:test";
import fc from "fast-check";
import { Names } from "../../../../src/config/directives/tables/names.ts";
import { findName } from "../../../../src/exchange/tables/names.ts";

const POSITION = { file: "x", line: 1, column: 1 };
const label = fc.constantFrom("a", "b", "www");
const host = fc.array(label, { minLength: 1, maxLength: 4 }).map((labels) => labels.join("."));
const pattern = fc.oneof(
  host,
  host.map((name) => `*.${name}`),
  host.map((name) => `.${name}`),
  host.map((name) => `${name}.*`),
);

/** nginx's order, one pattern after the other: exact, the longest "*.x", the longest "x.*". */
function naive(patterns: readonly string[], name: string): string | undefined {
  const longest = (found: readonly string[]): string | undefined => found.toSorted((a, b) => b.length - a.length)[0];
  return (
    patterns.find((one) => one === name || one === `.${name}`) ??
    longest(
      patterns
        .filter((one) => /^\*?\./.test(one) && name.endsWith(one.replace("*", "")))
        .map((one) => one.replace("*", "")),
    ) ??
    longest(
      patterns.filter((one) => one.endsWith(".*") && name.length > one.length - 1 && name.startsWith(one.slice(0, -1))),
    )
  );
}

test("names are found as one pattern after the other would be", () => {
  fc.assert(
    fc.property(fc.array(pattern, { maxLength: 8 }), host, (given, name) => {
      const names = new Names<string>();
      const patterns: string[] = [];
      for (const one of given) {
        const probe = new Names<string>();
        for (const other of patterns) probe.addHost(other, other, POSITION);
        if (probe.addHost(one, one, POSITION) !== null) continue;
        names.addHost(one, one, POSITION);
        patterns.push(one);
      }
      const plain = (found: string | undefined) => found?.replace(/^\*/, "");
      expect(plain(findName(names.table, name.toUpperCase()))).toBe(plain(naive(patterns, name))!);
    }),
    { numRuns: 500 },
  );
});
