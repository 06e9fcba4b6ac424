/** How long replies are fresh: each row is a reply's fields and what nginx makes of them. */
import { describe, expect, test } from "bun:test";
import type { Field } from "../../../../src/exchange/reply.ts";
import { freshnessOf } from "../../../../src/handlers/cache/freshness.ts";
import { formatDate } from "../../../../src/http/reply/date.ts";

const NOW = 1_700_000_000;

const judged = (fields: readonly string[], ignored: readonly string[] = []) => {
  const parsed = fields.map((line): Field => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 2)]);
  const { storable, until, whileUpdating, ifError } = freshnessOf(parsed, new Set(ignored), NOW);
  return [storable, until === 0 ? 0 : until - NOW, whileUpdating, ifError];
};

const ROWS: readonly (readonly [
  fields: readonly string[],
  verdict: readonly [boolean, number, number, number],
  why: string,
])[] = [
  [[], [true, 0, 0, 0], "nothing said: proxy_cache_valid decides"],
  [["Cache-Control: max-age=60"], [true, 60, 0, 0], "max-age"],
  [["Cache-Control: max-age=60, s-maxage=5"], [true, 5, 0, 0], "s-maxage is for shared caches"],
  [["Cache-Control: s-maxage=5", "Cache-Control: max-age=60"], [true, 5, 0, 0], "two lines are one list"],
  [["Cache-Control: MAX-AGE=60"], [true, 60, 0, 0], "names in any case"],
  [['Cache-Control: max-age="60"'], [true, 60, 0, 0], "quoted"],
  [["Cache-Control: max-age=0"], [false, 0, 0, 0], "no time at all"],
  [["Cache-Control: max-age=soon"], [false, 0, 0, 0], "no number"],
  [["Cache-Control: max-age=-1"], [false, 0, 0, 0], "no number"],
  [["Cache-Control: private, max-age=60"], [false, 0, 0, 0], "private"],
  [["Cache-Control: no-store"], [false, 0, 0, 0], "no-store"],
  [['Cache-Control: no-cache="Set-Cookie"'], [false, 0, 0, 0], "no-cache, also for some fields"],
  [["Cache-Control: public"], [true, 0, 0, 0], "no time: proxy_cache_valid decides"],
  [["Cache-Control: x-private=1, max-age=3"], [true, 3, 0, 0], "another name that ends alike"],
  [
    ["Cache-Control: max-age=5, stale-while-revalidate=7"],
    [true, 5, 7, 7],
    "stale-while-revalidate also covers errors, as in nginx",
  ],
  [["Cache-Control: max-age=5, stale-while-revalidate=7, stale-if-error=9"], [true, 5, 7, 9], "stale-if-error"],
  [["Cache-Control: stale-if-error=9"], [true, 0, 0, 9], "alone"],
  [["Cache-Control: max-age=5, stale-if-error=x"], [false, 5, 0, 0], "no number"],
  [[`Expires: ${formatDate(NOW + 30)}`], [true, 30, 0, 0], "Expires"],
  [[`Expires: ${formatDate(NOW - 1)}`], [false, 0, 0, 0], "Expires in the past"],
  [["Expires: 0"], [false, 0, 0, 0], "no date is the past (RFC 9111 §5.3)"],
  [
    [`Expires: ${formatDate(NOW + 30)}`, "Cache-Control: max-age=5"],
    [true, 5, 0, 0],
    "Cache-Control comes before Expires",
  ],
  [["Expires: 0", "Cache-Control: max-age=5"], [true, 5, 0, 0], "in whatever order"],
  [["Cache-Control: no-store", "X-Accel-Expires: 9"], [true, 9, 0, 0], "X-Accel-Expires comes before both"],
  [["X-Accel-Expires: 0", "Cache-Control: max-age=5"], [false, 0, 0, 0], "X-Accel-Expires: 0"],
  [[`X-Accel-Expires: @${NOW + 3}`], [true, 3, 0, 0], "a second since 1970"],
  [["X-Accel-Expires: soon", "Cache-Control: max-age=5"], [true, 5, 0, 0], "no number is ignored"],
  [["Set-Cookie: a=1", "Cache-Control: max-age=5"], [false, 5, 0, 0], "a cookie is for one client"],
  [["Vary: *", "Cache-Control: max-age=5"], [false, 5, 0, 0], "every request is another"],
  [["Vary: Accept-Language, *", "Cache-Control: max-age=5"], [false, 5, 0, 0], "also in a list"],
  [[`Vary: ${"x".repeat(129)}`, "Cache-Control: max-age=5"], [false, 5, 0, 0], "longer than nginx takes"],
];

describe("a reply", () => {
  for (const [fields, verdict, why] of ROWS) {
    test(`${fields.join(" | ") || "without fields"}: ${why}`, () => expect(judged(fields)).toEqual([...verdict]));
  }

  test("is judged without the fields of proxy_ignore_headers", () => {
    const fields = ["Set-Cookie: a=1", "Cache-Control: no-store", "Expires: 0", "Vary: *"];
    expect(judged(fields, ["set-cookie", "cache-control", "expires", "vary"])).toEqual([true, 0, 0, 0]);
    expect(judged(["X-Accel-Expires: 0"], ["x-accel-expires"])).toEqual([true, 0, 0, 0]);
  });
});
