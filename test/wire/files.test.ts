/** Files: methods, fields, conditional requests and ranges (RFC 9110 §8, §9, §13, §14). */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { check } from "./cases.ts";
import { ask, Client, get, type Reply } from "./client.ts";
import { answers } from "./explained.ts";
import { useServer } from "./server.ts";

setDefaultTimeout(60_000);

/** 1,000 bytes in which every place is recognisable. */
const DIGITS = Array.from({ length: 100 }, (_, i) => String(i).padStart(9, "0") + "\n").join("");
const LARGE = DIGITS.repeat(200);

const server = useServer({
  configuration: `
    server {
      listen 127.0.0.1:0;
      root www;
      open_file_cache_valid 1s;
      location /get/   { allowed_methods GET; }
      location /plain/ { etag off; }
      location /text/  { charset utf-8; types { text/plain txt; } default_type application/x-unknown; }
    }`,
  files: {
    "www/index.html": "<p>home</p>\n",
    "www/digits.txt": DIGITS,
    "www/large.txt": LARGE,
    "www/empty.txt": "",
    "www/script.js": "1;\n",
    "www/picture.SVG": "<svg/>\n",
    "www/unknown.zzz": "?\n",
    "www/no-extension": "?\n",
    "www/get/a.txt": "a\n",
    "www/plain/a.txt": "plain\n",
    "www/text/a.txt": "a\n",
    "www/text/a.bin": "a\n",
    "www/old.txt": "old\n",
    "www/future.txt": "future\n",
    "www/ü ß.txt": "umlauts\n",
    "www/changing.txt": "first\n",
  },
});

const at = (path: string): string => join(server.folder, "www", path);

describe("fields", () => {
  test("of a small file", async () => {
    const reply = await ask(server.port, get("/digits.txt"));
    check(reply, {
      status: 200,
      body: DIGITS,
      fields: {
        "Content-Type": /text\/plain.*/,
        "Content-Length": "1000",
        "Accept-Ranges": "bytes",
        ETag: /"[^"]+"/,
        "Last-Modified": /(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT/,
        Date: /(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT/,
        Server: /webserv\/.+/,
      },
    });
    expect(Math.abs(Date.parse(reply.field("date")!) - Date.now())).toBeLessThan(60_000);
  });

  answers(server, "a large file", get("/large.txt"), {
    status: 200,
    body: LARGE,
    fields: { "Content-Length": "200000" },
  });
  answers(server, "an empty file", get("/empty.txt"), { status: 200, body: "", fields: { "Content-Length": "0" } });
  answers(server, "JavaScript's type", get("/script.js"), {
    status: 200,
    fields: { "Content-Type": /text\/javascript.*/ },
  });
  answers(server, "an extension in capitals", get("/picture.SVG"), {
    status: 200,
    fields: { "Content-Type": "image/svg+xml" },
  });
  answers(server, "an unknown extension", get("/unknown.zzz"), { status: 200, fields: { "Content-Type": /.+/ } });
  answers(server, "no extension", get("/no-extension"), { status: 200, fields: { "Content-Type": /.+/ } });
  answers(server, "charset on text", get("/text/a.txt"), {
    status: 200,
    fields: { "Content-Type": "text/plain; charset=utf-8" },
  });
  answers(server, "default_type", get("/text/a.bin"), {
    status: 200,
    fields: { "Content-Type": "application/x-unknown" },
  });
  answers(server, "etag off", get("/plain/a.txt"), { status: 200, fields: { ETag: null, "Last-Modified": /.+/ } });
  answers(server, "a name in UTF-8", get("/%C3%BC%20%C3%9F.txt"), { status: 200, body: "umlauts\n" });
  answers(server, "no such file", get("/none.txt"), {
    status: 404,
    fields: { "Content-Type": /text\/html.*/ },
    closes: false,
  });
  answers(server, "a slash after a file", get("/digits.txt/"), { status: 404 });
  answers(server, "a name of 5,000 bytes", get(`/${"n".repeat(5000)}`), { status: 404 });
});

describe("methods", () => {
  test.each(["/digits.txt", "/large.txt", "/empty.txt", "/none.txt", "/plain"])(
    "HEAD %s has GET's fields",
    async (path) => {
      const fieldsOf = (reply: Reply): [string, string][] =>
        reply.fields.filter(([name]) => !/^(date|connection)$/i.test(name));
      const head = await ask(server.port, get(path, {}, "HEAD"));
      const whole = await ask(server.port, get(path));
      expect(head.status).toBe(whole.status);
      expect(fieldsOf(head)).toEqual(fieldsOf(whole));
    },
  );

  test("nothing follows the head of a HEAD's reply", async () => {
    const client = await Client.connect(server.port);
    void client.send(get("/none.txt", { Connection: "close" }, "HEAD"));
    expect((await client.rest()).toString("latin1")).toEndWith("\r\n\r\n");
  });

  answers(server, "HEAD ignores Range", get("/digits.txt", { Range: "bytes=0-9" }, "HEAD"), {
    status: 200,
    fields: { "Content-Range": null },
  });
  for (const method of ["POST", "PUT", "DELETE", "PATCH", "TRACE"]) {
    answers(server, `${method} is 405 with Allow`, get("/digits.txt", {}, method), {
      status: 405,
      fields: { Allow: "GET, HEAD, OPTIONS" },
    });
  }
  answers(server, "TRACE is told what its own location takes", get("/get/a.txt", {}, "TRACE"), {
    status: 405,
    fields: { Allow: "GET, OPTIONS" },
  });
  answers(server, "OPTIONS", get("/digits.txt", {}, "OPTIONS"), {
    status: 204,
    fields: { Allow: /GET, HEAD.*/, "Content-Length": null },
  });
  answers(server, "OPTIONS *", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", { status: 204, fields: { Allow: /.+/ } });
  answers(server, "allowed_methods GET refuses HEAD", get("/get/a.txt", {}, "HEAD"), {
    status: 405,
    fields: { Allow: "GET, OPTIONS" },
  });
  answers(server, "allowed_methods GET takes GET", get("/get/a.txt"), { status: 200, body: "a\n" });
});

describe("conditional requests", () => {
  const state = { etag: "", modified: "" };
  const before = "Thu, 01 Jan 2015 00:00:00 GMT";
  const after = "Fri, 01 Jan 2100 00:00:00 GMT";
  test("the validators", async () => {
    const reply = await ask(server.port, get("/digits.txt"));
    state.etag = reply.field("etag")!;
    state.modified = reply.field("last-modified")!;
    expect(state.etag).toMatch(/^"[\x21\x23-\x7e]+"$/);
  });

  const rows: [fields: Record<string, string>, status: number][] = [
    [{ "If-None-Match": "{etag}" }, 304],
    [{ "If-None-Match": "W/{etag}" }, 304],
    [{ "If-None-Match": '"x", {etag}' }, 304],
    [{ "If-None-Match": '"x"' }, 200],
    [{ "If-None-Match": "*" }, 304],
    [{ "If-Modified-Since": "{modified}" }, 304],
    [{ "If-Modified-Since": before }, 200],
    [{ "If-Modified-Since": after }, 200],
    [{ "If-Modified-Since": "yesterday" }, 200],
    [{ "If-None-Match": '"x"', "If-Modified-Since": "{modified}" }, 200],
    [{ "If-None-Match": "{etag}", "If-Modified-Since": before }, 304],
    [{ "If-Match": "{etag}" }, 200],
    [{ "If-Match": "*" }, 200],
    [{ "If-Match": '"x"' }, 412],
    [{ "If-Match": "W/{etag}" }, 412],
    [{ "If-Unmodified-Since": "{modified}" }, 200],
    [{ "If-Unmodified-Since": before }, 412],
    [{ "If-Unmodified-Since": after }, 200],
    [{ "If-Match": "{etag}", "If-Unmodified-Since": before }, 200],
    [{ "If-Match": "{etag}", "If-None-Match": "{etag}" }, 304],
    [{ Range: "bytes=0-9", "If-Range": "{etag}" }, 206],
    [{ Range: "bytes=0-9", "If-Range": '"x"' }, 200],
    [{ Range: "bytes=0-9", "If-Range": "W/{etag}" }, 200],
    [{ Range: "bytes=0-9", "If-Range": "{modified}" }, 206],
    [{ Range: "bytes=0-9", "If-Range": before }, 200],
  ];
  test.each(rows)("%j is %d", async (fields, status) => {
    const filled = Object.entries(fields).map(([name, value]) => [
      name,
      value.replace("{etag}", state.etag).replace("{modified}", state.modified),
    ]);
    const reply = await ask(server.port, get("/digits.txt", Object.fromEntries(filled)));
    check(reply, { status });
    if (status === 304) check(reply, { status, fields: { ETag: state.etag, "Content-Type": null }, body: "" });
  });

  test("304 keeps the connection in step", async () => {
    const client = await Client.connect(server.port);
    void client.send(get("/digits.txt", { "If-None-Match": "*" }) + get("/get/a.txt"));
    expect((await client.reply()).status).toBe(304);
    expect((await client.reply()).text).toBe("a\n");
    client.destroy();
  });

  test("a changed file has other validators", async () => {
    const first = await ask(server.port, get("/changing.txt"));
    writeFileSync(at("changing.txt"), "second version\n");
    const deadline = Date.now() + 30_000;
    let now = first;
    while (now.text !== "second version\n" && Date.now() < deadline) {
      await Bun.sleep(100);
      now = await ask(server.port, get("/changing.txt", { "If-None-Match": first.field("etag")! }));
    }
    check(now, { status: 200, body: "second version\n" });
    expect(now.field("etag")).not.toBe(first.field("etag"));
  });

  test.each([
    ["old.txt", -5_000_000_000],
    ["future.txt", 253_402_300_800],
  ])("a file of a strange time: %s", async (name, seconds) => {
    utimesSync(at(name), seconds, seconds);
    check(await ask(server.port, get(`/${name}`)), {
      status: 200,
      fields: { "Last-Modified": /\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT/ },
    });
  });
});

describe.each([
  ["/digits.txt", DIGITS],
  ["/large.txt", LARGE],
])("ranges of %s", (path, content) => {
  const size = content.length;
  const single: [range: string, first: number, last: number][] = [
    ["bytes=0-0", 0, 0],
    ["bytes=0-9", 0, 9],
    ["bytes=10-19", 10, 19],
    ["bytes=990-", 990, size - 1],
    ["bytes=-10", size - 10, size - 1],
    [`bytes=-${size * 2}`, 0, size - 1],
    [`bytes=0-${size * 9}`, 0, size - 1],
    [`bytes=${size - 1}-${size - 1}`, size - 1, size - 1],
    ["bytes= 0-9", 0, 9],
    ["BYTES=0-9", 0, 9],
    [`bytes=0-9,${size}-`, 0, 9],
  ];
  test.each(single)("%s", async (range, first, last) => {
    check(await ask(server.port, get(path, { Range: range })), {
      status: 206,
      fields: { "Content-Range": `bytes ${first}-${last}/${size}`, "Content-Length": String(last - first + 1) },
      body: content.slice(first, last + 1),
    });
  });

  test.each([`bytes=${size}-`, `bytes=${size}-${size + 5}`, "bytes=-0", "bytes=99999999999999999999-"])(
    "%s: 416",
    async (range) => {
      check(await ask(server.port, get(path, { Range: range })), {
        status: 416,
        fields: { "Content-Range": `bytes */${size}` },
      });
    },
  );

  test.each(["bytes", "bytes=", "bytes=a-b", "bytes=5-3", "bytes=--5", "lines=0-9", "bytes=0-9,x", "bytes=1.5-3"])(
    "%s: ignored",
    async (range) => {
      check(await ask(server.port, get(path, { Range: range })), { status: 200, body: content });
    },
  );

  test("two ranges are multipart/byteranges", async () => {
    const reply = await ask(server.port, get(path, { Range: "bytes=0-4,20-29" }));
    check(reply, {
      status: 206,
      fields: { "Content-Type": /multipart\/byteranges; ?boundary=.+/, "Content-Range": null },
    });
    const boundary = /boundary="?([^"]+)"?$/.exec(reply.field("content-type")!)![1]!;
    const parts = reply.text
      .split(`--${boundary}`)
      .slice(1, -1)
      .map((part) => part.replace(/^\r\n|\r\n$/g, ""));
    expect(parts.map((part) => part.slice(part.indexOf("\r\n\r\n") + 4))).toEqual([
      content.slice(0, 5),
      content.slice(20, 30),
    ]);
    expect(parts.map((part) => /Content-Range: (.*)/i.exec(part)![1]!.trim())).toEqual([
      `bytes 0-4/${size}`,
      `bytes 20-29/${size}`,
    ]);
    expect(reply.text).toMatch(/--\r?\n?$/);
  });

  test("a thousand overlapping ranges cost no more than the file", async () => {
    const range = `bytes=${Array.from({ length: 1000 }, (_, i) => `${i % 10}-`).join(",")}`;
    const reply = await ask(server.port, get(path, { Range: range }));
    expect([200, 206]).toContain(reply.status);
    expect(reply.body.length).toBeLessThan(size * 2 + 1000);
  });
});

answers(server, "all of an empty file", get("/empty.txt", { Range: "bytes=0-" }), { status: 200, body: "" });
answers(server, "a range behind an empty file: 416", get("/empty.txt", { Range: "bytes=1-" }), {
  status: 416,
  fields: { "Content-Range": "bytes */0" },
});
