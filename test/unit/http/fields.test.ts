/** docs/behaviour.md, Requests, the rows about field lines, Host, Connection and Expect. */
import { describe, expect, test } from "bun:test";
import { PLAIN_NAME, PLAIN_OR_UNDERSCORE } from "../../../src/http/bytes.ts";
import { RequestParser } from "../../../src/http/request/parser.ts";
import { EXPECT_CONTINUE, EXPECT_NONE, EXPECT_OTHER } from "../../../src/http/request/request.ts";
import { accepts, get, LIMITS, refuses } from "./table.ts";

describe("field lines", () => {
  accepts(
    get("X-A: b"),
    {
      fields: [
        ["Host", "a"],
        ["X-A", "b"],
      ],
    },
    "name and value",
  );
  accepts(
    get("X-A:b"),
    {
      fields: [
        ["Host", "a"],
        ["X-A", "b"],
      ],
    },
    "no space behind the colon",
  );
  accepts(
    get("X-A: \t b c\t "),
    {
      fields: [
        ["Host", "a"],
        ["X-A", "b c"],
      ],
    },
    "white space around a value is dropped",
  );
  accepts(
    get("X-A:"),
    {
      fields: [
        ["Host", "a"],
        ["X-A", ""],
      ],
    },
    "empty value",
  );
  accepts(
    get("X-A:  \t "),
    {
      fields: [
        ["Host", "a"],
        ["X-A", ""],
      ],
    },
    "a value of white space is empty",
  );
  accepts(
    get("X-A: a\tb"),
    {
      fields: [
        ["Host", "a"],
        ["X-A", "a\tb"],
      ],
    },
    "HTAB in a value",
  );
  accepts(
    get("X-A: \x80\xff"),
    {
      fields: [
        ["Host", "a"],
        ["X-A", "\x80\xff"],
      ],
    },
    "obs-text in a value",
  );
  accepts(get("!#$%&'*+-.^_`|~9: b"), {}, "every character of a token in a name");
  accepts(
    get("X: a", "x: b"),
    {
      fields: [
        ["Host", "a"],
        ["X", "a"],
        ["x", "b"],
      ],
    },
    "several of one name",
  );
  refuses(get(": b"), 400, "empty field name");
  refuses(get("X-A : b"), 400, "space before the colon");
  refuses(get("X-A\t: b"), 400, "tab before the colon");
  refuses(get("X A: b"), 400, "space in a name");
  refuses(get("X\u00e9: b"), 400, "a name above ASCII");
  refuses(get("X-A"), 400, "no colon");
  refuses(get("X-A: b", " c"), 400, "obs-fold with a space");
  refuses(get("X-A: b", "\tc"), 400, "obs-fold with a tab");
  refuses("GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400, "white space before the first field");
  refuses(get("X-A: b\nX-B: c"), 400, "bare LF as line end");
  refuses(get("X-A: b\rX-B: c"), 400, "bare CR");
  refuses(get("X-A: b\r"), 400, "CR CR LF");
  refuses("GET / HTTP/1.1\r\nHost: a\r\n\n", 400, "bare LF as the head's end");
  refuses("GET / HTTP/1.1\r\nHost: a\r\n\rX", 400, "CR without LF as the head's end");
  for (let byte = 0; byte < 0x20; byte++) {
    if (byte === 9 || byte === 10 || byte === 13) continue;
    refuses(get(`X-A: b${String.fromCharCode(byte)}c`), 400, `control character ${byte} in a value`);
  }
  refuses(get("X-A: \x7f"), 400, "DEL in a value");
  refuses(get("Content-Type: a/b", "content-type: a/b"), 400, "two Content-Type");
});

describe("Host", () => {
  refuses("GET / HTTP/1.1\r\n\r\n", 400, "none in HTTP/1.1");
  refuses("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400, "two Host fields, even identical (RFC 9112 §3.2)");
  refuses("GET / HTTP/1.0\r\nHost: a\r\nhost: b\r\n\r\n", 400, "two in HTTP/1.0");
  const good: [value: string, host: string][] = [
    ["a", "a"],
    ["WWW.Example.ORG", "www.example.org"],
    ["a.b.:80", "a.b"],
    ["a:", "a"],
    ["a:65535", "a"],
    ["127.0.0.1:8080", "127.0.0.1"],
    ["a_b-c~d", "a_b-c~d"],
    ["0.0.0.0=5000", "0.0.0.0=5000"],
    ["%41b", "%41b"],
    ["[::]", "[::]"],
    ["[::1]:80", "[::1]"],
    ["[2001:DB8::1]", "[2001:db8::1]"],
    ["[1:2:3:4:5:6:7:8]", "[1:2:3:4:5:6:7:8]"],
    ["[1:2:3:4:5:6:7::]", "[1:2:3:4:5:6:7::]"],
    ["[::2:3:4:5:6:7:8]", "[::2:3:4:5:6:7:8]"],
    ["[::ffff:1.2.3.4]", "[::ffff:1.2.3.4]"],
    ["[1:2:3:4:5:6:1.2.3.4]", "[1:2:3:4:5:6:1.2.3.4]"],
  ];
  for (const [value, host] of good)
    accepts(`GET / HTTP/1.1\r\nHost: ${value}\r\n\r\n`, { host, authority: value }, value);
  const bad =
    " |:80|.|..|.a|a..b|a:b|a:80:80|a:65536|a:-1|a b|a/b|a@b|a\\b|a,b c|%4|%zz|\u00e9|<a>|[|[]|[::1|[::1]80|[::1]:x|[::1]]|[1]|[:1]|" +
    "[1:]|[:::]|[1::2::3]|[12345::]|[1:2:3:4:5:6:7]|[1:2:3:4:5:6:7:8:9]|[1:2:3:4:5:6:7:8::]|[::1.2.3]|[::1.2.3.256]|" +
    "[::01.2.3.4]|[::1.2.3.4:1]|[1:2:3:4:5:6:7:1.2.3.4]|[v1]|[v1.]|[v.a]|[vg.a]|[v1.a..b]|[v1.a b]|[v1.a/]|[fe80::1%25eth0]|[::g]";
  for (const value of bad.split("|"))
    refuses(`GET / HTTP/1.1\r\nHost: ${value}\r\n\r\n`, 400, `not a host: "${value}"`);
});

describe("keep-alive", () => {
  accepts(get(), { keepAlive: true }, "1.1 stays open");
  accepts(get("Connection: close"), { keepAlive: false }, "close");
  accepts(get("Connection: CLOSE\t"), { keepAlive: false }, "close in capitals");
  accepts(get("Connection: x, close ,keep-alive"), { keepAlive: false }, "close wins in a list");
  accepts(get("Connection: close", "Connection: keep-alive"), { keepAlive: false }, "close wins over a later field");
  accepts(get("Connection: closed"), { keepAlive: true }, "only the whole token counts");
  accepts(get("Connection: upgrade,"), { keepAlive: true }, "other tokens and empty elements do not matter");
  accepts("GET / HTTP/1.0\r\n\r\n", { keepAlive: false }, "1.0 closes");
  accepts("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", { keepAlive: true }, "unless it asks to stay");
  accepts("GET / HTTP/1.0\r\nConnection: close, keep-alive\r\n\r\n", { keepAlive: false }, "1.0 with both");
  accepts(
    "GET / HTTP/1.0\r\nConnection: close\r\nConnection: keep-alive\r\n\r\n",
    { keepAlive: false },
    "1.0 with both in two fields",
  );
});

describe("Expect", () => {
  accepts(get(), { expect: EXPECT_NONE }, "none");
  accepts(get("Expect: 100-Continue"), { expect: EXPECT_CONTINUE }, "100-continue");
  accepts(get("Expect: 200-ok"), { expect: EXPECT_OTHER }, "another expectation");
  accepts(get("Expect: 200-ok", "Expect: 100-continue"), { expect: EXPECT_OTHER }, "another one among two");
  accepts(
    "GET / HTTP/1.0\r\nExpect: 100-continue\r\n\r\n",
    { expect: EXPECT_NONE },
    "ignored in HTTP/1.0 (RFC 9110 §10.1.1)",
  );
});

describe("fields that make a request conditional", () => {
  for (const name of "If-Match If-None-Match If-Modified-Since If-Unmodified-Since If-Range Range".split(" ")) {
    accepts(get(`${name}: x`), { conditional: true }, name);
  }
  accepts(get("If-Match-Not: x", "Ranged: y"), { conditional: false }, "not their like");
});

describe("limits", () => {
  const limits = { line: 20, field: 12, total: 70, fields: 3 };
  const line = (length: number) => `GET /${"a".repeat(length - 14)} HTTP/1.1`;
  accepts(`${line(20)}\r\nHost: a\r\n\r\n`, {}, "a request line just short enough", { limits });
  refuses(line(21), 414, "one byte too long", { limits });
  refuses(`GET /${"a".repeat(16)}`, 414, "known before the line ends", { limits });
  refuses("A".repeat(21), 400, "a method that never ends", { limits });
  refuses(`${"A".repeat(30)} / HTTP/1.1\r\nHost: a\r\n\r\n`, 400, "a method as long as a line", { limits });
  accepts("GET / HTTP/1.1\r\nHost: a\r\nX: 45678901 \r\n\r\n", {}, "a field line just short enough", { limits });
  refuses("GET / HTTP/1.1\r\nX: 34567890123", 431, "one byte too long, known before it ends", { limits });
  refuses("GET / HTTP/1.1\r\nX:           ", 431, "white space counts", { limits });
  refuses("GET / HTTP/1.1\r\nX234567890123", 431, "a name that never ends", { limits });
  accepts("GET / HTTP/1.1\r\nHost: a\r\nX: a\r\nX: a\r\n\r\n", {}, "as many fields as may be", { limits });
  refuses("GET / HTTP/1.1\r\nHost: a\r\nX: a\r\nX: a\r\nX", 431, "one field too many", { limits });
  refuses(`GET / HTTP/1.1\r\n${"X: 3456789012\r\n".repeat(4)}`, 431, "the whole head too long", {
    limits: { ...limits, fields: 9 },
  });
  accepts("GET / HTTP/1.1\r\nHost: a\r\n\r\n", {}, "a whole head just short enough", {
    limits: { ...limits, total: 27 },
  });
  refuses("GET / HTTP/1.1\r\nHost: a\r\n\r", 431, "one byte more than that", { limits: { ...limits, total: 26 } });
  accepts(
    get(...Array.from({ length: 99 }, (_, i) => `X-${i}: ${i}`)),
    {},
    "more fields than there was room for at first",
  );
});

describe("names of fields that are dropped", () => {
  const fields = (...all: string[]): [string, string][] =>
    all.map((line) => line.split(": ") as [string, string]).map(([name, value]) => [name, value]);
  const head = get("X-A: 1", "x_b: 2", "X.C: 3", "_: 4", "X-D: 5");
  const plain = { limits: { ...LIMITS, names: PLAIN_NAME } };
  accepts(head, { fields: fields("Host: a", "X-A: 1", "X-D: 5") }, "any but letters, digits and hyphens", plain);
  const underscored = { limits: { ...LIMITS, names: PLAIN_OR_UNDERSCORE } };
  accepts(head, { fields: fields("Host: a", "X-A: 1", "x_b: 2", "_: 4", "X-D: 5") }, "underscores too", underscored);
  accepts(head, { fields: fields("Host: a", "X-A: 1", "x_b: 2", "X.C: 3", "_: 4", "X-D: 5") }, "no token");
  accepts(
    get("Content_Length: 5", "X_Y:"),
    { contentLength: -1, fields: fields("Host: a") },
    "they mean nothing",
    plain,
  );
  refuses(get("X(Y: 1"), 400, "no token is refused", plain);
  refuses(get("x_b: \x01"), 400, "nor is the value of one that is dropped free", plain);
});

test("fields are found by name, whatever their case", () => {
  const parser = new RequestParser(LIMITS);
  const bytes = Buffer.from(get("Accept: x", "ACCEPT: y", "Empty:"), "latin1");
  expect(parser.feed(bytes, 0, bytes.length)).toBe(bytes.length);
  const { head } = parser;
  expect(head.field("accept")).toBe("x");
  expect(head.fieldAll("accept")).toEqual(["x", "y"]);
  expect(head.field("empty")).toBe("");
  expect(head.field("accep")).toBeUndefined();
  expect(head.fieldAll("none")).toEqual([]);
  expect(head.requestLine()).toBe("GET / HTTP/1.1");
});

test("a parser forgets the last request", () => {
  const parser = new RequestParser(LIMITS);
  const first = Buffer.from(
    "\r\nPOST http://b:1/%41?q HTTP/1.0\r\nRange: x\r\nContent-Length: 3\r\nExpect: y\r\nConnection: close\r\n\r\n",
  );
  expect(parser.feed(first, 0, first.length)).toBe(first.length);
  parser.reset();
  const second = Buffer.from(get());
  expect(parser.feed(second, 0, second.length)).toBe(second.length);
  const fresh = new RequestParser(LIMITS);
  fresh.feed(second, 0, second.length);
  const { offsets: _, serial: _serial, ...reused } = parser.head;
  const { offsets: __, serial: __serial, ...expected } = fresh.head;
  expect(reused).toEqual(expected);
});
