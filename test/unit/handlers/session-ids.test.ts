/** What a cookie proves, and what it does not. */
import { describe, expect, test } from "bun:test";
import { createHmac } from "node:crypto";
import { Ids, idIn } from "../../../src/handlers/session/ids.ts";

const SECRET = "5ec2e7".repeat(10);
const ID = "0123456789abcdef".repeat(2);
const NOW = 1_795_335_805_673;
const ids = new Ids(SECRET, "sid@example.org");
const cookie = ids.cookie(ID, NOW);

/** `text` with another character at `at`. */
const changed = (text: string, at: number): string =>
  text.slice(0, at) + (text[at] === "0" ? "1" : "0") + text.slice(at + 1);

describe("a cookie of our own", () => {
  test("tells the id and when it was sent", () => {
    expect(idIn(cookie)).toBe(ID);
    expect(ids.sentAt(cookie)).toBe(NOW);
  });
  test("is proved by HMAC-SHA256, cut to 128 bits", () => {
    const mac = createHmac("sha256", SECRET)
      .update(`sid@example.org\0${cookie.slice(0, 44)}`)
      .digest("hex");
    expect(cookie).toBe(ID + NOW.toString(16).padStart(12, "0") + mac.slice(0, 32));
  });
  test("is known by whoever has the same secret: after a restart", () => {
    expect(new Ids(SECRET, "sid@example.org").sentAt(cookie)).toBe(NOW);
  });
  test("drops the fraction of a millisecond", () => {
    expect(ids.sentAt(ids.cookie(ID, 1234.9))).toBe(1234);
  });
});

describe("nothing else is one", () => {
  const table: [why: string, value: string][] = [
    ["nothing", ""],
    ["an id alone", ID],
    ["an id someone thought of", "f".repeat(76)],
    ["one that was cut", cookie.slice(0, -1)],
    ["one that goes on", `${cookie}0`],
    ["capitals", cookie.toUpperCase()],
    ["quotes", `"${cookie}"`],
    ["a line end behind it", `${cookie}\n`],
    ["no digits", "g".repeat(76)],
    ["another server name's", new Ids(SECRET, "sid@example.net").cookie(ID, NOW)],
    ["another cookie's", new Ids(SECRET, "id@example.org").cookie(ID, NOW)],
    ["another secret's", new Ids(`${SECRET}0`, "sid@example.org").cookie(ID, NOW)],
  ];
  test.each(table)("%s", (_, value) => {
    expect(ids.sentAt(value)).toBe(-1);
  });
  test("a cookie of our own with any one digit changed", () => {
    for (let at = 0; at < cookie.length; at++) expect(ids.sentAt(changed(cookie, at))).toBe(-1);
  });
});
