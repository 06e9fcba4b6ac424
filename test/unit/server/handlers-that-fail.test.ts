/** A handler, sink or stream that throws costs its own client a 500 or the connection, and no one else anything. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Exchange } from "../../../src/exchange/exchange.ts";
import type { Handler } from "../../../src/exchange/handler.ts";
import { Client, get } from "../../wire/client.ts";
import { type InProcess, startInProcess, untilAlone } from "./in-process.ts";

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

/** Scripts whose output leads to a handler that throws, when the reactor and not the client has called. */
const SCRIPTS = {
  "silent.sh": "exit 0",
  "local.sh": "printf 'Location: /handle\\n\\n'",
  "reply.sh": "printf 'Location: /after-reply\\n\\n'",
  "patch.sh": "printf 'Content-Type: text/plain\\nX-Session-Patch: {}\\n\\n'; exec sleep 10",
  "full.sh": "exec sleep 1",
};

describe("a handler that throws", () => {
  let running: InProcess;
  let port = 0;

  beforeAll(() => {
    for (const [name, text] of Object.entries(SCRIPTS)) writeFileSync(join(folder, name), text);
    running = startInProcess(
      folder,
      `error_log ${folder}/error.log; server {
         listen 127.0.0.1:0; allowed_methods GET POST;
         location / { return 200 fine; }
         location ~ \\.sh$ { root ${folder}; cgi .sh /bin/sh; error_page 502 /handle; }
         location = /full.sh { root ${folder}; cgi .sh /bin/sh; cgi_max_processes 1; cgi_queue 1 50ms; error_page 503 /handle; }
       }`,
    );
    port = running.port;
    for (const handler of running.server.handlers()) replace(handler);
  });
  afterAll(() => running.stop());

  function replace(handler: Handler): void {
    const own = handler.handle.bind(handler);
    const claim = handler.claim?.bind(handler);
    if (claim !== undefined) {
      handler.claim = (exchange) => {
        if (exchange.path === "/patch.sh") exchange.session = { id: "", data: "{}", patch: fails } as never;
        return claim(exchange);
      };
    }
    handler.handle = (exchange) => {
      (ACTS[exchange.path]?.handle ?? own)(exchange);
    };
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
    ["the page of a script's error", get("/silent.sh"), 500],
    ["what a script redirects to", get("/local.sh"), 500],
    ["what a script redirects to, after it replied", get("/reply.sh"), "cut"],
    ["the patch of a session by a script", get("/patch.sh"), 500],
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

  test("in the page of a script that waited for a place in vain", async () => {
    const clients = await Promise.all([1, 2].map(() => Client.connect(port)));
    for (const client of clients) await client.send(get("/full.sh", { Connection: "close" }));
    const replies = await Promise.all(clients.map((client) => client.rest()));
    expect(replies.map((bytes) => bytes.toString("latin1", 9, 12)).sort()).toEqual(["500", "502"]);
  });

  test("in its sweep: the others are swept all the same", () => {
    const handlers = [...running.server.handlers()];
    let sweeps = 0;
    for (const [i, handler] of handlers.entries()) {
      handler.sweep = () => {
        sweeps++;
        if (i === 0) fails();
      };
    }
    running.server.sweep();
    expect([handlers.length > 1, sweeps]).toEqual([true, handlers.length]);
  });

  test("is in the error log, each time", () => {
    running.server.logs.flush();
    const log = readFileSync(join(folder, "error.log"), "latin1");
    expect(log.match(/unexpected exception: Error: planned/g)!.length).toBeGreaterThan(rows.length);
    expect(log).not.toMatch(/unexpected exception: (?!Error: planned)/);
  });

  test("leaves nothing open", async () => {
    await untilAlone(running.server);
    expect(running.server.clients.size).toBe(0);
  });
});
