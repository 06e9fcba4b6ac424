/** Several requests before the first reply: answered all, in order, and nothing after one that closes. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { check } from "./cases.ts";
import { ask, Client, get } from "./client.ts";
import { useServer } from "./server.ts";

setDefaultTimeout(60_000);

const server = useServer({
  configuration: `
    server {
      listen 127.0.0.1:0;
      root www;
      keepalive_requests 100000;
      location /echo/ { return 200 "$request_uri\\n"; }
      location /post  { allowed_methods POST; return 200 "posted\\n"; }
    }`,
  files: { "www/small.txt": "small\n", "www/large.bin": { size: 300_000 } },
});

async function replies(requests: readonly string[], methods: readonly string[]): Promise<string[]> {
  const client = await Client.connect(server.port);
  void client.send(requests.join(""));
  const got: string[] = [];
  for (const method of methods) {
    const reply = await client.reply(method);
    got.push(`${reply.status} ${reply.body.length}`);
  }
  client.destroy();
  return got;
}

describe("order", () => {
  test.each([2, 16, 100, 1000])("%d requests in one write", async (count) => {
    const client = await Client.connect(server.port);
    void client.send(Array.from({ length: count }, (_, i) => get(`/echo/${i}`)).join(""));
    for (let i = 0; i < count; i++) expect((await client.reply()).text).toBe(`/echo/${i}\n`);
    client.destroy();
  });

  test("files, errors, heads and bodies mixed", async () => {
    const requests: [request: string, method: string, expected: string][] = [
      [get("/small.txt"), "GET", "200 6"],
      [get("/large.bin"), "GET", "200 300000"],
      [get("/large.bin", {}, "HEAD"), "HEAD", "200 0"],
      ["POST /post HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc", "POST", "200 7"],
      ["POST /post HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", "POST", "200 7"],
      [get("/small.txt", { Range: "bytes=0-1" }), "GET", "206 2"],
      [get("/echo/last"), "GET", "200 11"],
    ];
    const got = await replies(
      requests.map(([request]) => request),
      requests.map(([, method]) => method),
    );
    expect(got).toEqual(requests.map(([, , expected]) => expected));
  });

  test("small replies behind a large one to a client that reads late", async () => {
    const client = await Client.connect(server.port);
    void client.send(get("/large.bin").repeat(8) + get("/echo/end"));
    await client.until(() => client.pending.length > 0, "the first reply's beginning");
    client.socket.pause();
    // On another connection the server has taken its turns: the first one is full, as far as it will be.
    for (let i = 0; i < 20; i++) check(await ask(server.port, get("/small.txt")), { status: 200 });
    client.socket.resume();
    for (let i = 0; i < 8; i++) expect((await client.reply()).body.length).toBe(300_000);
    expect((await client.reply()).text).toBe("/echo/end\n");
    client.destroy();
  });
});

describe("what comes after a request that closes is never read", () => {
  const closing: [name: string, request: string, statuses: number[]][] = [
    ["Connection: close", get("/echo/a", { Connection: "close" }), [200]],
    ["HTTP/1.0", "GET /echo/a HTTP/1.0\r\n\r\n", [200]],
    ["bad request line", "GET  /echo/a HTTP/1.1\r\nHost: a\r\n\r\n", [400]],
    [
      "both framings",
      "POST /post HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      [400],
    ],
    ["a broken chunk", "POST /post HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", [400]],
  ];
  test.each(closing)("%s", async (_name, request, statuses) => {
    const client = await Client.connect(server.port);
    void client.send(get("/echo/before") + request + get("/echo/after"));
    check(await client.reply(), { status: 200, body: "/echo/before\n" });
    for (const status of statuses) check(await client.reply(), { status });
    expect((await client.rest()).toString("latin1")).toBe("");
  });
});

test("an error in the middle stays in its place", async () => {
  const client = await Client.connect(server.port);
  void client.send(get("/small.txt") + get("/none") + get("/small.txt"));
  expect([await client.reply(), await client.reply(), await client.reply()].map((reply) => reply.status)).toEqual([
    200, 404, 200,
  ]);
  client.destroy();
});

test("a batch cut at an arbitrary place goes on when the rest comes", async () => {
  const batch = Array.from({ length: 20 }, (_, i) => get(`/echo/${i}`)).join("");
  for (const cut of [1, 17, 40, 41, 42, 43, 44, 500, batch.length - 1]) {
    const client = await Client.connect(server.port);
    await client.send(batch.slice(0, cut));
    await Bun.sleep(5);
    void client.send(batch.slice(cut));
    for (let i = 0; i < 20; i++) expect((await client.reply()).text).toBe(`/echo/${i}\n`);
    client.destroy();
  }
});
