/** RFC 6265: what a Cookie field says, and what Set-Cookie may say. */
import { describe, expect, test } from "bun:test";
import { cookieValue, cookieVariable, serialiseCookie } from "../../../src/http/cookie.ts";
import { RequestParser } from "../../../src/http/request/parser.ts";
import type { RequestHead } from "../../../src/http/request/request.ts";
import { LIMITS } from "./table.ts";

/** A request with these field lines. */
function request(...lines: string[]): RequestHead {
  const parser = new RequestParser(LIMITS);
  const bytes = Buffer.from(
    `GET / HTTP/1.1\r\n${lines.map((line) => `${line}\r\n`).join("")}Host: a\r\n\r\n`,
    "latin1",
  );
  expect(parser.feed(bytes, 0, bytes.length)).toBe(bytes.length);
  return parser.head;
}

describe("reading", () => {
  const rows: [lines: string[], value: string | undefined, why: string][] = [
    [[], undefined, "no cookies"],
    [["Cookie: sid=1"], "1", "one"],
    [["Cookie: a=0; sid=1; b=2"], "1", "one of three"],
    [["Cookie: a=0;sid=1;b=2"], "1", "no spaces"],
    [["Cookie: a=0 ;\t sid = 1 \t; b=2"], "1", "more space than allowed"],
    [["Cookie: sid=1; sid=2"], "1", "the first of equal names"],
    [["Cookie: a=0", "X: sid=3", "cookie: sid=1", "Cookie: sid=2"], "1", "several fields"],
    [["Cookie: SID=0; Sid=0"], undefined, "capitals count"],
    [["Cookie: xsid=0; sidx=0"], undefined, "names that only contain it"],
    [["Cookie: a=sid=0"], undefined, "a value that contains it"],
    [["Cookie: sid=a=b=="], "a=b==", "equals signs in a value"],
    [["Cookie: sid="], "", "an empty value"],
    [["Cookie: sid; =sid; ; =; sid=1"], "1", "bad pairs are skipped"],
    [['Cookie: sid="a b"'], "a b", "quotes are taken off"],
    [['Cookie: sid=""'], "", "quotes around nothing"],
    [['Cookie: sid="'], '"', "one quote is no pair of them"],
    [['Cookie: sid=a"b"'], 'a"b"', "quotes within"],
    [['Cookie: a="x; sid=1"; b=2'], '1"', "a quote does not hide a semicolon (RFC 6265 §5.2)"],
    [["Cookie: sid=\xc3\xa0"], "\xc3\xa0", "octets as they are, no-break spaces included"],
    [["Cookie: a=1, sid=2"], undefined, "a comma separates nothing"],
  ];
  for (const [lines, value, why] of rows) {
    test(`${why}: ${lines.join(" | ")}`, () => expect(cookieValue(request(...lines), "sid")).toBe(value));
  }
});

test("a cookie of the right name that does not suit is passed over", () => {
  const head = request('Cookie: sid=theirs; sid="ours"', "Cookie: sid=ours too");
  expect(cookieValue(head, "sid", (value) => value.startsWith("ours"))).toBe("ours");
  expect(cookieValue(head, "sid", (value) => value === "ours too")).toBe("ours too");
  expect(cookieValue(head, "sid", () => false)).toBeUndefined();
});

describe("as nginx's variable", () => {
  const rows: [lines: string[], value: string | undefined, why: string][] = [
    [["Cookie: SID=1"], "1", "capitals don't count"],
    [["Cookie: a=0; Sid=1; sid=2"], "1", "the first of equal names"],
    [['Cookie: sid="a b"'], '"a b"', "quotes stay"],
    [["Cookie: xsid=0; did=0"], undefined, "other names"],
  ];
  for (const [lines, value, why] of rows) {
    test(`${why}: ${lines.join(" | ")}`, () => expect(cookieVariable(request(...lines), "sid")).toBe(value));
  }
});

describe("writing", () => {
  type Attributes = Parameters<typeof serialiseCookie>[2] & {};
  const rows: [name: string, value: string, attributes: Attributes, field: string][] = [
    ["sid", "1", {}, "sid=1"],
    ["__Host-sid", "", {}, "__Host-sid="],
    ["a", "!#$%&'()*+-./:<=>?@[]^_`{|}~", {}, "a=!#$%&'()*+-./:<=>?@[]^_`{|}~"],
    ["a", "b", { maxAge: 0 }, "a=b; Max-Age=0"],
    ["a", "b", { maxAge: -1, path: "/c d" }, "a=b; Max-Age=-1; Path=/c d"],
    ["a", "b", { expires: 784_111_777 }, "a=b; Expires=Sun, 06 Nov 1994 08:49:37 GMT"],
    ["a", "b", { domain: "example.org", secure: true }, "a=b; Domain=example.org; Secure"],
    ["a", "b", { secure: false, httpOnly: false }, "a=b"],
    [
      "sid",
      "1",
      { maxAge: 1800, path: "/", httpOnly: true, sameSite: "Lax" },
      "sid=1; Max-Age=1800; Path=/; HttpOnly; SameSite=Lax",
    ],
  ];
  test.each(rows)("%s, %s, %p: %s", (name, value, attributes, field) => {
    expect(serialiseCookie(name, value, attributes)).toBe(field);
  });

  const illegal: [name: string, value: string, attributes: Attributes, part: string][] = [
    ["", "b", {}, "name"],
    ["a b", "b", {}, "name"],
    ["a=", "b", {}, "name"],
    ["a\r\n", "b", {}, "name"],
    ["ü", "b", {}, "name"],
    ...[" ", '"', ",", ";", "\\", "\r\nX: y", "\0", "\x7f", "ü"].map((value): [string, string, Attributes, string] => {
      return ["a", value, {}, "value"];
    }),
    ["a", "b", { path: "c" }, "Path"],
    ["a", "b", { path: "/;c" }, "Path"],
    ["a", "b", { path: "/\r\n" }, "Path"],
    ["a", "b", { domain: "" }, "Domain"],
    ["a", "b", { domain: "a;b" }, "Domain"],
    ["a", "b", { maxAge: 1.5 }, "Max-Age"],
    ["a", "b", { maxAge: Number.NaN }, "Max-Age"],
  ];
  test.each(illegal)("%p, %p, %p throws", (name, value, attributes, part) => {
    expect(() => serialiseCookie(name, value, attributes)).toThrow(`illegal ${part} of a cookie`);
  });
});
