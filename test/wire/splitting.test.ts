/** A request is the same however the network cuts it; a slow client is served, up to its time. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { check } from "./cases.ts";
import { Client, get } from "./client.ts";
import { useServer } from "./server.ts";

setDefaultTimeout(60_000);

const server = useServer({
  configuration: `
    server {
      listen 127.0.0.1:0;
      root www;
      location /post { allowed_methods POST; return 200 "posted\\n"; }
    }`,
  files: { "www/index.html": "home\n" },
});

const hasty = useServer({
  configuration: `
    client_header_timeout 1s;
    client_body_timeout 1s;
    keepalive_timeout 1s;
    server { listen 127.0.0.1:0; location / { allowed_methods GET POST; return 200 "ok\\n"; } }`,
});

const CHUNKED =
  "POST /post HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n" +
  '4;a="b"\r\nwiki\r\nA\r\n0123456789\r\n0\r\nX-Trailer: t\r\n\r\n';

const requests: [name: string, request: string, expected: { status: number; body?: string }][] = [
  ["GET", get("/", { Accept: "*/*", "User-Agent": "splitter" }), { status: 200, body: "home\n" }],
  [
    "POST with a length",
    "POST /post HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n0123456789",
    { status: 200, body: "posted\n" },
  ],
  ["POST in chunks", CHUNKED, { status: 200, body: "posted\n" }],
  ["a bad request", "GET / HTTP/1.1\r\nHost: localhost\r\nBad Name: x\r\n\r\n", { status: 400 }],
];

describe.each(requests)("%s", (_name, request, expected) => {
  test("cut in two at every byte", async () => {
    const cuts = Array.from({ length: request.length - 1 }, (_, i) => i + 1);
    const pair = async (cut: number): Promise<void> => {
      const client = await Client.connect(server.port);
      await client.send(request.slice(0, cut));
      await Bun.sleep(3);
      void client.send(request.slice(cut));
      check(await client.reply("POST"), expected);
      client.destroy();
    };
    for (let i = 0; i < cuts.length; i += 32) await Promise.all(cuts.slice(i, i + 32).map(pair));
  });

  test("one byte at a time", async () => {
    const client = await Client.connect(server.port);
    for (const byte of request) {
      if (client.pending.length > 0) break;
      await client.send(byte);
      await Bun.sleep(1);
    }
    check(await client.reply("POST"), expected);
    client.destroy();
  });
});

describe("time", () => {
  test("a head that never ends is 408, however its bytes come", async () => {
    const client = await Client.connect(hasty.port);
    void client.send("GET / HTTP/1.1\r\nHost: a\r\n");
    const timer = setInterval(() => void client.send("X: y\r\n"), 100);
    const reply = await client.reply();
    clearInterval(timer);
    check(reply, { status: 408, fields: { Connection: "close" } });
    await client.rest();
  });

  test("a body that stops is 408", async () => {
    const client = await Client.connect(hasty.port);
    void client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nsome");
    check(await client.reply("POST"), { status: 408, fields: { Connection: "close" } });
    await client.rest();
  });

  test("an idle connection is closed without a word", async () => {
    const client = await Client.connect(hasty.port);
    check(await client.ask(get("/")), { status: 200 });
    expect((await client.rest()).length).toBe(0);
  });

  test("a connection that never says anything is closed without a word", async () => {
    const client = await Client.connect(hasty.port);
    const got = (await client.rest()).toString("latin1");
    expect(got === "" || got.startsWith("HTTP/1.1 408 ")).toBe(true);
  });

  test("other clients do not wait for a slow one", async () => {
    const slow = await Client.connect(server.port);
    await slow.send("GET / HT");
    const quick = await Client.connect(server.port);
    check(await quick.ask(get("/")), { status: 200 });
    void slow.send("TP/1.1\r\nHost: a\r\n\r\n");
    check(await slow.reply(), { status: 200 });
    slow.destroy();
    quick.destroy();
  });
});

describe("half-close", () => {
  test("a client that shuts its side after a whole request gets its reply", async () => {
    const client = await Client.connect(server.port);
    void client.send(get("/"));
    client.finish();
    check(await client.reply(), { status: 200, body: "home\n" });
    expect((await client.rest()).length).toBe(0);
  });

  test("and all its replies after several", async () => {
    const client = await Client.connect(server.port);
    void client.send(get("/").repeat(5));
    client.finish();
    for (let i = 0; i < 5; i++) check(await client.reply(), { status: 200, body: "home\n" });
    await client.rest();
  });

  test("in the middle of a head the connection just ends", async () => {
    const client = await Client.connect(server.port);
    void client.send("GET / HTTP/1.1\r\nHo");
    client.finish();
    const got = (await client.rest()).toString("latin1");
    expect(got === "" || got.startsWith("HTTP/1.1 400 ")).toBe(true);
  });

  test("in the middle of a body too", async () => {
    const client = await Client.connect(server.port);
    void client.send("POST /post HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n01234");
    client.finish();
    const got = (await client.rest()).toString("latin1");
    expect(got === "" || got.startsWith("HTTP/1.1 400 ")).toBe(true);
  });
});
