/** docs/behaviour.md, Requests, the rows about the request line. */
import { describe, expect, test } from "bun:test";
import { RequestParser } from "../../../src/http/request/parser.ts";
import { ABSOLUTE_FORM, ASTERISK_FORM, AUTHORITY_FORM } from "../../../src/http/request/request.ts";
import { accepts, incomplete, LIMITS, refuses } from "./table.ts";

const HOST = "\r\nHost: a\r\n\r\n";

describe("empty lines before a request line", () => {
  accepts(`\r\nGET / HTTP/1.1${HOST}`, { path: "/" }, "one is skipped");
  accepts(`\r\n\r\nGET / HTTP/1.1${HOST}`, { path: "/", length: 31 }, "two are skipped and count as used");
  refuses(`\r\n\r\n\r\nGET / HTTP/1.1${HOST}`, 400, "three are not");
  refuses(`\nGET / HTTP/1.1${HOST}`, 400, "a bare LF is no empty line");
  refuses(`\rGET / HTTP/1.1${HOST}`, 400, "a bare CR is none either");
});

describe("method", () => {
  accepts(`GET / HTTP/1.1${HOST}`, { method: "GET", methodKnown: true }, "GET");
  accepts(`PROPFIND / HTTP/1.1${HOST}`, { method: "PROPFIND", methodKnown: true }, "one of the registry");
  accepts(`get / HTTP/1.1${HOST}`, { method: "get", methodKnown: false }, "case-sensitive: get is unknown");
  accepts(`GETS / HTTP/1.1${HOST}`, { method: "GETS", methodKnown: false }, "longer than a known one");
  accepts(`M-SEARCH * HTTP/1.1${HOST}`, { method: "M-SEARCH", methodKnown: false }, "unknown, with a hyphen");
  accepts(`!#$%&'*+-.^_\`|~09 / HTTP/1.1${HOST}`, { methodKnown: false }, "every character of a token");
  accepts(`VERSION-CONTROL-AND-MORE / HTTP/1.1${HOST}`, { methodKnown: false }, "longer than every known one");
  refuses(` / HTTP/1.1${HOST}`, 400, "empty");
  refuses(`G(T / HTTP/1.1${HOST}`, 400, "not a token");
  refuses("G\u00c9T / HTTP/1.1", 400, "above ASCII");
  refuses("G\0T / HTTP/1.1", 400, "NUL");
  refuses(`GET\t/ HTTP/1.1${HOST}`, 400, "a tab is no space");
});

describe("target", () => {
  accepts(`GET /a/b.txt HTTP/1.1${HOST}`, { form: 0, path: "/a/b.txt", query: null }, "origin-form");
  accepts(`GET /a?b=c?d&%zz HTTP/1.1${HOST}`, { path: "/a", query: "b=c?d&%zz" }, "the query is passed on raw");
  accepts(`GET /a? HTTP/1.1${HOST}`, { path: "/a", query: "" }, "an empty query is a query");
  accepts(`GET /"<>\\^{}|\` HTTP/1.1${HOST}`, { path: '/"<>\\^{}|`' }, '" < > \\ ^ { } | are taken as they are');
  accepts(`GET //a///b HTTP/1.1${HOST}`, { path: "/a/b" }, "repeated slashes are merged");
  accepts(`GET /a%2Fb HTTP/1.1${HOST}`, { path: "/a/b" }, "an encoded slash is decoded before matching");
  accepts(`GET /a%252Fb HTTP/1.1${HOST}`, { path: "/a%2Fb" }, "but never twice");
  accepts(`GET /a/./b/../c HTTP/1.1${HOST}`, { path: "/a/c" }, "dot segments");
  accepts(`GET /\u00c3\u00a9 HTTP/1.1${HOST}`, { path: "/é" }, "raw UTF-8 counts as percent-encoded");
  accepts(`GET /?\u00c3\u00a9 HTTP/1.1${HOST}`, { query: "\u00c3\u00a9" }, "in the query as well");
  accepts(`GET /\u00e9 HTTP/1.1${HOST}`, { path: "/\udce9" }, "raw bytes that are no UTF-8");
  accepts(`GET /?\u00e9 HTTP/1.1${HOST}`, { query: "\u00e9" }, "in the query as well, no UTF-8");
  accepts(`GET /%e9 HTTP/1.1${HOST}`, { path: "/\udce9" }, "encoded bytes that are no UTF-8");
  refuses(`GET /../a HTTP/1.1${HOST}`, 400, "climbs above the root");
  refuses(`GET /a/%2e%2e/..%2fb HTTP/1.1${HOST}`, 400, "climbs above the root, encoded");
  refuses(`GET /%zz HTTP/1.1${HOST}`, 400, "bad percent pair");
  refuses(`GET /%4 HTTP/1.1${HOST}`, 400, "half a percent pair");
  refuses(`GET /%00 HTTP/1.1${HOST}`, 400, "decoded NUL");
  refuses(`GET /a#b HTTP/1.1${HOST}`, 400, "a fragment");
  refuses(`GET /?a#b HTTP/1.1${HOST}`, 400, "a fragment behind a query");
  refuses(`GET /a b HTTP/1.1${HOST}`, 400, "space in the target");
  refuses(`GET  / HTTP/1.1${HOST}`, 400, "two spaces before it");
  refuses(`GET /  HTTP/1.1${HOST}`, 400, "two spaces behind it");
  refuses(`GET /\x01 HTTP/1.1${HOST}`, 400, "control character");
  refuses(`GET /\x7f HTTP/1.1${HOST}`, 400, "DEL");
  refuses(`GET a HTTP/1.1${HOST}`, 400, "without a slash");
  refuses("GET ftp://a/ HTTP/1.1", 400, "a scheme that is not ours");
});

describe("absolute-form is served and its authority wins over Host", () => {
  const absolute = { form: ABSOLUTE_FORM };
  accepts(`GET http://b/x HTTP/1.1${HOST}`, { ...absolute, host: "b", authority: "b", path: "/x" }, "http");
  accepts(`GET HTTPS://B.:8080/ HTTP/1.1${HOST}`, { ...absolute, host: "b", authority: "B.:8080" }, "https, any case");
  accepts(`GET http://b HTTP/1.1${HOST}`, { ...absolute, host: "b", path: "/", query: null }, "without a path");
  accepts(`GET http://b?c HTTP/1.1${HOST}`, { ...absolute, host: "b", path: "/", query: "c" }, "a query alone");
  accepts("GET http://[::1]:80/ HTTP/1.0\r\n\r\n", { host: "[::1]", authority: "[::1]:80" }, "IPv6, HTTP/1.0");
  refuses("GET http://b/ HTTP/1.1\r\n\r\n", 400, "Host must be there all the same");
  refuses("GET http://b/ HTTP/1.1\r\nHost: /\r\n\r\n", 400, "and must be a host");
  refuses(`GET http:///x HTTP/1.1${HOST}`, 400, "an empty host");
  refuses(`GET http://u:p@b:81/ HTTP/1.1${HOST}`, 400, "user information (RFC 9110 §4.2.4)");
  refuses(`GET http://u@/ HTTP/1.1${HOST}`, 400, "a user without a host");
  refuses(`GET http://u@v@b/ HTTP/1.1${HOST}`, 400, "two @");
  refuses(`GET http://b#c HTTP/1.1${HOST}`, 400, "a fragment behind the host");
  refuses(`GET http:/b HTTP/1.1${HOST}`, 400, "one slash");
  incomplete("GET http://b", "the host may go on");
});

describe("the other forms", () => {
  accepts(`OPTIONS * HTTP/1.1${HOST}`, { form: ASTERISK_FORM, target: "*" }, "OPTIONS *");
  accepts(`CONNECT b:443 HTTP/1.1${HOST}`, { form: AUTHORITY_FORM, host: "b", authority: "b:443" }, "CONNECT");
  refuses(`GET * HTTP/1.1${HOST}`, 400, "* is for OPTIONS");
  refuses(`OPTIONS *a HTTP/1.1${HOST}`, 400, "* and more");
  refuses(`CONNECT b HTTP/1.1${HOST}`, 400, "CONNECT without a port");
  refuses(`CONNECT b: HTTP/1.1${HOST}`, 400, "CONNECT with an empty port");
  refuses(`CONNECT / HTTP/1.1${HOST}`, 400, "CONNECT in origin-form");
  refuses(`GET b:443 HTTP/1.1${HOST}`, 400, "authority-form without CONNECT");
});

describe("version", () => {
  accepts(`GET / HTTP/1.1${HOST}`, { minor: 1 }, "1.1");
  accepts("GET / HTTP/1.0\r\n\r\n", { minor: 0, host: "" }, "1.0, which needs no Host");
  accepts(`GET / HTTP/1.7${HOST}`, { minor: 1 }, "a higher 1.x counts as 1.1");
  refuses("GET / HTTP/2.0", 505, "above 1.x, known before the line ends");
  refuses("GET / HTTP/5.6", 505, "far above");
  refuses("GET / HTTP/0.9\r\n\r\n", 400, "0.9");
  refuses("GET /\r\n", 400, "none");
  refuses("GET /\n", 400, "none, bare LF");
  refuses("GET / \r\n", 400, "empty");
  refuses("GET / http/1.1", 400, "small letters");
  refuses("GET / HTTP/1,1", 400, "a comma");
  refuses("GET / HTTP/11", 400, "no dot");
  refuses("GET / HTTP/1.10\r\n", 400, "two digits");
  refuses("GET / HTTP/1.1 \r\n", 400, "space behind it");
  refuses("GET / HTTP/1.1\nHost: a\n\n", 400, "bare LF as the line's end");
  refuses("GET / HTTP/1.1\rHost: a", 400, "bare CR as the line's end");
});

describe("incomplete is a value", () => {
  for (const text of ["G", "GET", "GET ", "GET /", "GET /?", "GET / ", "GET / H", "GET / HTTP/1.", "GET / HTTP/1.1"]) {
    incomplete(text, JSON.stringify(text));
  }
  incomplete("\r", "half an empty line");
  incomplete("GET / HTTP/1.1\r\nHost: a\r\n\r", "one byte short");
  test("nothing at all", () => expect(new RequestParser(LIMITS).feed(Buffer.alloc(0), 0, 0)).toBe(0));
});

test("a refusal comes with the first byte that makes it certain", () => {
  const cases: [text: string, at: number][] = [
    ["@", 1],
    ["GET x", 5],
    ["GET /\x00", 6],
    ["GET / HTTP/3.0", 14],
    ["GET / X", 7],
    ["GET / HTTP/1.1\r\n X", 17],
    ["GET / HTTP/1.1\r\nHost :", 21],
  ];
  for (const [text, at] of cases) {
    const parser = new RequestParser(LIMITS);
    const bytes = Buffer.from(text, "latin1");
    expect(parser.feed(bytes, 0, at - 1)).toBe(0);
    expect(parser.feed(bytes, 0, at)).toBeLessThan(0);
    expect(parser.reason).not.toBe("");
  }
});
