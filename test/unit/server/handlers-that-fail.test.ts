/** A handler, sink or stream that throws costs its own client a 500 or the connection, and no one else anything. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { linux } from "../../../ffi/linux.ts";
import { loadConfig } from "../../../src/config/load.ts";
import type { Exchange, Handler } from "../../../src/handlers/handler.ts";
import { Server } from "../../../src/server/server.ts";
import { Client, get } from "../../wire/client.ts";

const folder = mkdtempSync(join(tmpdir(), "webserv-fails-"));
afterAll(() => rmSync(folder, { recursive: true }));

const fails = (): never => {
  throw new Error("planned");
};

/** What the location's handler does instead of its own work, by path. */
const ACTS: { readonly [path: string]: Partial<Handler> } = {
  "/handle": { handle: fails },
  "/after-reply": {
    handle(exchange: Exchange): void {
      exchange.reply(200, [], Buffer.from("begun"));
      fails();
    },
  },
  "/sink": { sink: fails },
  "/accept": { sink: () => ({ accept: fails, end: () => {}, abort: fails }) },
  "/end": { sink: () => ({ accept: (_bytes, start, end) => end - start, end: fails, abort: () => {} }) },
  "/stream": {
    handle(exchange: Exchange): void {
      exchange.reply(200, [], { kind: "stream", length: -1, read: fails, close: fails });
    },
  },
};

describe("a handler that throws", () => {
  let server: Server;
  let pump: Timer;
  let port = 0;

  beforeAll(() => {
    const file = join(folder, "test.conf");
    writeFileSync(
      file,
      `error_log ${folder}/error.log; server { listen 127.0.0.1:0; return 200 fine; allowed_methods GET POST; }`,
    );
    server = new Server(linux, loadConfig({ kernel: linux, file }).config!, "webserv");
    expect(server.start()).toEqual([]);
    port = Number(new URL(server.urls[0]!).port);
    for (const handler of server.handlers()) replace(handler);
    pump = setInterval(() => server.reactor.turn(0), 1);
  });
  afterAll(() => {
    clearInterval(pump);
    server.stop();
  });

  function replace(handler: Handler): void {
    const own = handler.handle.bind(handler);
    handler.handle = (exchange) => (ACTS[exchange.path]?.handle ?? own)(exchange);
    handler.sink = (exchange) => ACTS[exchange.path]?.sink?.(exchange);
  }

  const post = (path: string): string => `POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody`;
  const rows: [name: string, request: string, status: number | "cut"][] = [
    ["handle", get("/handle"), 500],
    ["handle, after it replied", get("/after-reply"), 200],
    ["sink", post("/sink"), 500],
    ["accept", post("/accept"), 500],
    ["end", post("/end"), 500],
    ["read of a stream", get("/stream"), "cut"],
  ];
  test.each(rows)("in %s", async (_name, request, status) => {
    const beside = await Client.connect(port);
    const client = await Client.connect(port);
    await client.send(request);
    const bytes = (await client.rest()).toString("latin1");
    if (status === "cut") expect(bytes.endsWith("0\r\n\r\n")).toBe(false);
    else expect(bytes).toStartWith(`HTTP/1.1 ${status} `);
    await beside.send(get("/"));
    expect((await beside.reply()).status).toBe(200);
    beside.destroy();
    client.destroy();
  });

  test("leaves nothing open", async () => {
    while (server.clients.size > 0) await Bun.sleep(1);
    expect(server.clients.size).toBe(0);
  });
});
