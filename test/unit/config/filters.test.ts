/** The directives that change replies: what they store, inheritance, and what is said of mistakes. */
import { expect, test } from "bun:test";
import { config, location, messages, settings } from "./fake-files.ts";

const NGINX_CHARSET_TYPES = [
  "text/html",
  "text/xml",
  "text/plain",
  "text/vnd.wap.wml",
  "application/javascript",
  "application/rss+xml",
];

test("the defaults are nginx's", () => {
  const { charset, sourceCharset, overrideCharset, charsetTypes, charsetMaps, ...rest } = settings("");
  expect([charset, sourceCharset, overrideCharset, charsetMaps]).toEqual([null, null, false, []]);
  expect([...charsetTypes]).toEqual(NGINX_CHARSET_TYPES);
  expect([rest.subFilters, rest.subFilterOnce, rest.subFilterLastModified]).toEqual([[], true, false]);
  expect([...rest.subFilterTypes]).toEqual(["text/html"]);
});

test("types are added to text/html; texts replace those of the block around", () => {
  const inner = location(
    config(`sub_filter a b; sub_filter_types text/css Text/XML;
      server { location /a { } location /b { sub_filter c d; sub_filter e f; charset_types text/css; } }`),
    "/b",
  ).settings;
  expect([...inner.subFilterTypes]).toEqual(["text/html", "text/css", "text/xml"]);
  expect([...inner.charsetTypes]).toEqual(["text/html", "text/css"]);
  expect(inner.subFilters.map(({ text, replacement }) => [text.text, replacement.text])).toEqual([
    ["c", "d"],
    ["e", "f"],
  ]);
});

test("charset_map: codes in hexadecimal, names in small letters", () => {
  const maps = "charset_map KOI8-R Windows-1251 { C0 FE; c1 E0; } charset_map koi8-r UTF-8 { 95 E28099; }";
  const { charsetMaps } = location(config(`${maps} server { location / { } }`), "/").settings;
  expect(charsetMaps).toEqual([
    {
      from: "koi8-r",
      to: "windows-1251",
      codes: [
        { from: 0xc0, to: [0xfe] },
        { from: 0xc1, to: [0xe0] },
      ],
    },
    { from: "koi8-r", to: "utf-8", codes: [{ from: 0x95, to: [0xe2, 0x80, 0x99] }] },
  ]);
});

test.each([
  ['sub_filter "" x;', '"sub_filter" expects a text that is not empty'],
  ["add_before_body before;", '"add_before_body" expects a path of this server, or "" for none, not "before"'],
  [
    "add_trailer Content-Length 1;",
    '"add_trailer" expects the name of a field that may come behind a body, not "Content-Length"',
  ],
  ["charset utf-8; source_charset mine;", 'no "charset_map" between the charsets "mine" and "utf-8"'],
  ["charset_map a a { }", '"charset_map" between the same charsets "a"'],
  ["charset_map a b { } charset_map B A { }", 'duplicate "charset_map" between "b" and "a"'],
  ["charset_map a b { 80 E282AC; }", '"charset_map" expects lines CODE BYTES; in hexadecimal, not "80 E282AC"'],
  ["charset_map a utf-8 { 180 E2; }", '"charset_map" expects lines CODE BYTES; in hexadecimal, not "180 E2"'],
])("%s", (text, message) => {
  expect(messages(`${text} server { }`).some((line) => line.endsWith(`: error: ${message}`))).toBe(true);
});

test("a charset that only a variable names, or that charset_map knows, is no mistake", () => {
  expect(messages("charset $arg_x; source_charset mine; server { }")).toEqual([]);
  expect(messages("charset_map mine utf-8 { } charset utf-8; source_charset mine; server { }")).toEqual([]);
});
