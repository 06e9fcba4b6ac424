/** Dates (RFC 9110 §5.6.7), with expectations worked out elsewhere: `date -u -d @N`. */
import { expect, test } from "bun:test";
import {
  formatDate,
  formatIsoDate,
  formatLocalIsoDate,
  formatLogDate,
  parseDate,
} from "../../../src/http/reply/date.ts";

const NOW = 1_790_000_000;

test.each([
  [0, "Thu, 01 Jan 1970 00:00:00 GMT"],
  [784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"],
  [951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"],
  [-1, "Wed, 31 Dec 1969 23:59:59 GMT"],
  [253_402_300_799, "Fri, 31 Dec 9999 23:59:59 GMT"],
  [1.9, "Thu, 01 Jan 1970 00:00:01 GMT"],
])("%d is %s", (second, text) => {
  expect(formatDate(second)).toBe(text);
  expect(formatDate(second)).toBe(text);
  expect(parseDate(text, NOW)).toBe(Math.floor(second));
});

test.each([253_402_300_800, 2 ** 62, Number.POSITIVE_INFINITY, -(2 ** 62), Number.NEGATIVE_INFINITY, Number.NaN])(
  "%p is clamped to a date of 29 characters",
  (second) => {
    expect(formatDate(second)).toHaveLength(29);
    expect(formatLogDate(second)).toHaveLength(26);
    expect(formatIsoDate(second)).toHaveLength(25);
  },
);

test.each([
  ["Sun, 06 Nov 1994 08:49:37 GMT", 784_111_777],
  ["Sunday, 06-Nov-94 08:49:37 GMT", 784_111_777],
  ["Sun Nov  6 08:49:37 1994", 784_111_777],
  ["Wed Nov 16 08:49:37 1994", 784_975_777],
  ["Saturday, 01-Jan-00 00:00:00 GMT", 946_684_800],
  ["Friday, 01-Jan-70 00:00:00 GMT", 3_155_760_000],
  ["Saturday, 01-Jan-77 00:00:00 GMT", 220_924_800],
  ["Sat, 31 Dec 2016 23:59:60 GMT", 1_483_228_800],
])("%s is %d", (text, second) => expect(parseDate(text, NOW)).toBe(second));

test.each([
  "",
  "now",
  "Sun, 06 Nov 1994 08:49:37",
  "Sun, 06 Nov 1994 08:49:37 UTC",
  "Sun, 06 Nov 1994 08:49:37 +0000",
  "Sun, 6 Nov 1994 08:49:37 GMT",
  "sun, 06 nov 1994 08:49:37 gmt",
  "Sun, 06 Nev 1994 08:49:37 GMT",
  "Son, 06 Nov 1994 08:49:37 GMT",
  "Sun, 31 Feb 1994 08:49:37 GMT",
  "Sun, 00 Nov 1994 08:49:37 GMT",
  "Sun, 06 Nov 1994 24:00:00 GMT",
  "Sun, 06 Nov 1994 08:60:37 GMT",
  "Sun, 06 Nov 1994 08:49:61 GMT",
  " Sun, 06 Nov 1994 08:49:37 GMT",
  "Sundays, 06-Nov-94 08:49:37 GMT",
  "1994-11-06T08:49:37Z",
  "784111777",
])("%p is no date", (text) => expect(parseDate(text, NOW)).toBeNaN());

test("dates of logs", () => {
  expect(formatLogDate(784_111_777)).toBe("06/Nov/1994:08:49:37 +0000");
  expect(formatIsoDate(784_111_777)).toBe("1994-11-06T08:49:37+00:00");
});

test.each([
  ["UTC", 784_111_777, "06/Nov/1994:08:49:37 +0000", "1994-11-06T08:49:37+00:00"],
  ["Asia/Kolkata", 784_111_778, "06/Nov/1994:14:19:38 +0530", "1994-11-06T14:19:38+05:30"],
  ["America/St_Johns", 784_111_779, "06/Nov/1994:05:19:39 -0330", "1994-11-06T05:19:39-03:30"],
  ["Europe/Paris", 1_721_000_000, "15/Jul/2024:01:33:20 +0200", "2024-07-15T01:33:20+02:00"],
])("local times in %s", (zone, second, log, iso) => {
  const before = process.env.TZ;
  process.env.TZ = zone;
  const formatted = [formatLogDate(second), formatLocalIsoDate(second), formatIsoDate(0)];
  process.env.TZ = before ?? "UTC";
  expect(formatted).toEqual([log, iso, "1970-01-01T00:00:00+00:00"]);
});
