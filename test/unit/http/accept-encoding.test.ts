/** Which codings a value of Accept-Encoding asks for (RFC 9110 §12.5.3), as a table. */
import { expect, test } from "bun:test";
import { ACCEPTS_NONE, acceptedCodings } from "../../../src/http/accept-encoding.ts";

/** The codings from the most to the least wanted; those liked equally in one word. */
function order(value: string | undefined): string {
  const { ranks } = acceptedCodings(value);
  const wanted = (["zstd", "br", "gzip"] as const).filter((coding) => ranks[coding] > 0);
  const steps = [...new Set(wanted.map((coding) => ranks[coding]))].sort((a, b) => b - a);
  return steps.map((step) => wanted.filter((coding) => ranks[coding] === step).join("=")).join(" ");
}

test.each<[value: string | undefined, expected: string]>([
  [undefined, ""],
  ["", ""],
  ["gzip", "gzip"],
  ["gzip, deflate, br, zstd", "zstd=br=gzip"],
  ["gzip;q=1.0, br;q=0.9, *;q=0.1", "gzip br zstd"],
  ["GZip ; Q=0.5 , BR", "br gzip"],
  ["*", "zstd=br=gzip"],
  ["*;q=0", ""],
  ["*;q=0, br", "br"],
  ["br;q=0, *", "zstd=gzip"],
  ["gzip;q=0", ""],
  ["gzip;q=0.000", ""],
  ["gzip;q=0.001", "gzip"],
  ["gzip;q=1.001", ""],
  ["gzip;q=x", ""],
  ["gzip;q=0.5, identity", ""],
  ["gzip;q=0.5, identity;q=0.5", "gzip"],
  ["identity;q=0, br;q=0.3", "br"],
  ["x-gzip", "gzip"],
  ["x-gzip;q=0, gzip", "gzip"],
  ["compress, deflate", ""],
  [",, gzip ,,", "gzip"],
])("%p", (value, expected) => {
  expect(order(value)).toBe(expected);
});

test("what means the same is the same object, and nothing at all has the index 0", () => {
  expect(acceptedCodings("gzip, br")).toBe(acceptedCodings("br;q=0.7,gzip;q=0.7"));
  expect(acceptedCodings("gzip;q=0")).toBe(ACCEPTS_NONE);
  expect(ACCEPTS_NONE.index).toBe(0);
});

test("however many values come, there are only few objects", () => {
  const weights = ["0", "0.1", "0.5", "1"];
  const seen = new Set<number>();
  for (const a of weights)
    for (const b of weights)
      for (const c of weights) seen.add(acceptedCodings(`zstd;q=${a}, br;q=${b}, gzip;q=${c}`).index);
  expect(seen.size).toBeLessThanOrEqual(26);
});
