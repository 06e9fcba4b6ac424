import { afterAll, describe, expect, test } from "bun:test";
import { StaticHandler } from "../../../src/handlers/files/static.ts";
import { claimed, FakeExchange, FakeServices, location, type RequestLike, Site, template } from "./world.ts";

const big = Buffer.from(Array.from({ length: 100_000 }, (_, i) => 65 + (i % 26)));
const site = new Site({ "a.txt": "0123456789", "big.txt": big, "empty.txt": "" });
afterAll(() => site.remove());

const services = new FakeServices();
const cached = location({ root: template(site.root) });
const uncached = location({ root: template(site.root), openFileCache: null });
const handlers = new Map([cached, uncached].map((l) => [l, new StaticHandler(l, services)]));

function ask(request: RequestLike, where = cached): FakeExchange {
  const exchange = new FakeExchange(services, where, { target: "/a.txt", ...request });
  claimed(handlers.get(where)!, exchange)?.handle(exchange);
  return exchange;
}

const etag = ask({}).field("ETag")!;
const date = ask({}).field("Last-Modified")!;
const later = "Fri, 31 Dec 2100 23:59:59 GMT";
const earlier = "Sat, 01 Jan 2000 00:00:00 GMT";

describe("preconditions, in the order of RFC 9110 §13.2.2", () => {
  const table: [fields: string[], status: number, why: string][] = [
    [[`If-None-Match: ${etag}`], 304, "the same tag"],
    [[`If-None-Match: W/${etag}`], 304, "compared weakly"],
    [[`If-None-Match: "x", ${etag}`], 304, "one of a list"],
    [["If-None-Match: *"], 304, "anything that exists"],
    [['If-None-Match: "x"'], 200, "another tag"],
    [['If-None-Match: "x"', `If-Modified-Since: ${date}`], 200, "If-None-Match makes the date irrelevant"],
    [[`If-Modified-Since: ${date}`], 304, "the same date"],
    [[`If-Modified-Since: ${later}`], 200, "exact: a later date is another date"],
    [["If-Modified-Since: nonsense"], 200, "no date"],
    [[`If-Match: ${etag}`], 200, "the same tag"],
    [[`If-Match: W/${etag}`], 412, "compared strongly"],
    [['If-Match: "x"'], 412, "another tag"],
    [[`If-Unmodified-Since: ${earlier}`], 412, "changed since"],
    [[`If-Unmodified-Since: ${later}`], 200, "not changed since"],
    [[`If-Match: ${etag}`, `If-None-Match: ${etag}`], 304, "both hold"],
    [['If-Match: "x"', `If-None-Match: ${etag}`], 412, "If-Match comes first"],
    [[`If-None-Match: ${etag}`, "Range: bytes=0-1"], 304, "before Range"],
  ];
  test.each(table)("%p is %i: %s", (fields, status) => {
    for (const where of [cached, uncached]) expect(ask({ fields }, where).status).toBe(status);
  });
  test("a 304 has the validators and no body", () => {
    const exchange = ask({ fields: [`If-None-Match: ${etag}`] });
    expect(exchange.sentFields.map(([name]) => name)).toEqual(["Last-Modified", "ETag"]);
    expect(exchange.bytes().length).toBe(0);
  });
  test("what an error page gets is not conditional", () => {
    expect(ask({ fields: [`If-None-Match: ${etag}`, "Range: bytes=0-1"], errorStatus: 404 }).text()).toBe("0123456789");
  });
});

describe("one range", () => {
  const table: [range: string, status: number, body: string, contentRange: string | undefined][] = [
    ["bytes=0-0", 206, "0", "bytes 0-0/10"],
    ["bytes=2-4", 206, "234", "bytes 2-4/10"],
    ["bytes=7-", 206, "789", "bytes 7-9/10"],
    ["bytes=-3", 206, "789", "bytes 7-9/10"],
    ["bytes=-99", 206, "0123456789", "bytes 0-9/10"],
    ["bytes=5-99", 206, "56789", "bytes 5-9/10"],
    ["bytes=0-9", 206, "0123456789", "bytes 0-9/10"],
    ["bytes=4-2", 200, "0123456789", undefined],
    ["items=0-1", 200, "0123456789", undefined],
    ["bytes=1-2,2-3", 206, "123", "bytes 1-3/10"],
  ];
  test.each(table)("%s: %i %p", (range, status, body, contentRange) => {
    for (const where of [cached, uncached]) {
      const exchange = ask({ fields: [`Range: ${range}`] }, where);
      expect([exchange.status, exchange.text(), exchange.field("Content-Range")]).toEqual([status, body, contentRange]);
    }
  });
  test.each(["bytes=10-", "bytes=99-100", "bytes=-0"])("%s cannot be satisfied", (range) => {
    const exchange = ask({ fields: [`Range: ${range}`] });
    expect([exchange.status, exchange.field("Content-Range")]).toEqual([416, "bytes */10"]);
  });
  test("of an empty file all is nothing, and it has no byte behind that", () => {
    const of = (range: string) => ask({ target: "/empty.txt", fields: [`Range: ${range}`] });
    expect(["bytes=0-", "bytes=-5"].map((range) => of(range).status)).toEqual([200, 200]);
    expect([of("bytes=5-").status, of("bytes=5-").field("Content-Range")]).toEqual([416, "bytes */0"]);
  });
  test.each([
    [etag, 206],
    [`W/${etag}`, 200],
    ['"x"', 200],
    [date, 206],
    [later, 200],
  ])("If-Range: %s is %i", (value, status) => {
    expect(ask({ fields: ["Range: bytes=0-1", `If-Range: ${value}`] }).status).toBe(status);
  });
  test("HEAD ignores it and leaves the length out", () => {
    const exchange = ask({ method: "HEAD", fields: ["Range: bytes=0-1"] });
    expect([exchange.status, exchange.options?.length]).toEqual([200, -1]);
  });
});

describe("several ranges", () => {
  test.each(["/a.txt", "/big.txt"])("of %s are parts, whose text is the file's", (target) => {
    const exchange = ask({ target, fields: ["Range: bytes=1-2,8-8,-1"] });
    const whole = ask({ target }).text();
    const boundary = /^multipart\/byteranges; boundary=([0-9a-f]{32})$/.exec(exchange.field("Content-Type")!)![1];
    const text = exchange.text();
    expect(exchange.body).toHaveProperty("length", text.length);
    const parts = text.split(`\r\n--${boundary}`);
    expect(parts[0]).toBe("");
    expect(parts.at(-1)).toBe("--\r\n");
    const size = whole.length;
    const ranges =
      target === "/a.txt"
        ? [
            [1, 2],
            [8, 9],
          ]
        : [
            [1, 2],
            [8, 8],
            [size - 1, size - 1],
          ];
    expect(parts.slice(1, -1)).toEqual(
      ranges.map(
        ([start, end]) =>
          `\r\nContent-Type: text/plain\r\nContent-Range: bytes ${start}-${end}/${size}\r\n\r\n${whole.slice(start, end + 1)}`,
      ),
    );
  });
  test("that are all of the file, or too many, are answered with the file", () => {
    expect(ask({ fields: ["Range: bytes=6-9,0-5"] }).text()).toContain("0123456789");
    const many = Array.from({ length: 50 }, (_, i) => `${i * 2}-${i * 2}`).join(",");
    expect(ask({ target: "/big.txt", fields: [`Range: bytes=${many}`] }).status).toBe(200);
  });
});

test.each([undefined, null])(
  "a large file comes from its descriptor, which is given back (open_file_cache %p)",
  (cache) => {
    const watching = new FakeServices();
    const where = location({ root: template(site.root), ...(cache === null ? { openFileCache: null } : {}) });
    const handler = new StaticHandler(where, watching);
    const read = (request: RequestLike): Buffer => {
      const exchange = new FakeExchange(watching, where, { target: "/big.txt", ...request });
      claimed(handler, exchange)?.handle(exchange);
      return exchange.bytes();
    };
    expect(read({}).equals(big)).toBe(true);
    expect(read({ fields: ["Range: bytes=70000-"] }).equals(big.subarray(70_000))).toBe(true);
    expect(read({ method: "HEAD" }).length).toBe(0);
    handler.close();
    expect(watching.watched.open.size).toBe(0);
  },
);
