/** What a handler may do besides replying when asked: answer within a body, answer someone else, add fields, know more methods. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ERRNO } from "../../../ffi/errno.ts";
import type { Block } from "../../../ffi/memory.ts";
import type { Exchange } from "../../../src/exchange/exchange.ts";
import type { BodySink, Handler } from "../../../src/exchange/handler.ts";
import type { StreamBody } from "../../../src/exchange/reply.ts";
import { Client, get } from "../../wire/client.ts";
import { type InProcess, startInProcess, untilAlone } from "./in-process.ts";

const folder = mkdtempSync(join(tmpdir(), "webserv-sinks-"));
afterAll(() => rmSync(folder, { recursive: true }));

let events: string[] = [];
/** The number of the reactor's turn, and those in which the sink at /counts was given a piece. */
let turn = 0;
let turns: number[] = [];
/** Where in its body the sink at /paged was given a piece to the end. */
let ends: number[] = [];
function pass(length: number): number {
  ends.push((ends.at(-1) ?? 0) + length);
  return length;
}
/** The exchange of the client that waits for a reply out of turn. */
let waiting: Exchange | null = null;

/** Whoever waits, once: exchanges are used again. */
function taken(): Exchange {
  const exchange = waiting!;
  waiting = null;
  return exchange;
}

/** Notes what happens to it; `accept` and `end` as given. */
function sink(acts: Partial<BodySink>): BodySink {
  return {
    accept(block, start, end) {
      events.push(`accept ${block.bytes.toString("latin1", start, end)}`);
      return acts.accept?.(block, start, end) ?? end - start;
    },
    end() {
      events.push("end");
      acts.end?.();
    },
    abort: () => events.push("abort"),
  };
}

/** Sends back what comes while it comes, and holds no more than `most` bytes of it. */
class Echo implements BodySink, StreamBody {
  readonly answers = true;
  readonly kind = "stream";
  readonly length = -1;
  private held = Buffer.alloc(0);
  private complete = false;

  constructor(
    private readonly exchange: Exchange,
    private readonly most: number,
  ) {}

  accept(block: Block, start: number, end: number): number {
    const taken = Math.min(end - start, this.most - this.held.length);
    this.held = Buffer.concat([this.held, block.bytes.subarray(start, start + taken)]);
    if (this.exchange.status === 0) this.exchange.reply(200, [], this);
    else this.exchange.resume();
    return taken;
  }

  end(): void {
    this.complete = true;
    this.exchange.resume();
  }

  abort(): void {
    events.push("abort");
  }

  read(block: Block, offset: number, length: number): number {
    if (this.held.length === 0) return this.complete ? 0 : -ERRNO.EAGAIN;
    const n = this.held.copy(block.bytes, offset, 0, length);
    this.held = this.held.subarray(n);
    this.exchange.resume();
    return n;
  }

  close(): void {
    events.push("close");
  }
}

/** What the location's handler does instead of its own work, by path. */
const ACTS: { readonly [path: string]: Partial<Handler> } = {
  "/full": {
    sink: (exchange) =>
      sink({
        accept: () => {
          exchange.fail(507);
          return 0;
        },
      }),
  },
  "/drops": {
    sink: (exchange) =>
      sink({
        accept: () => {
          exchange.drop();
          return 0;
        },
      }),
  },
  "/end": { sink: (exchange) => sink({ end: () => exchange.reply(201, [], Buffer.from("made")) }) },
  "/counts": {
    sink: () => ({
      ...sink({}),
      accept(_block, start, end) {
        turns.push(turn);
        return end - start;
      },
    }),
    handle: (exchange) => exchange.reply(200, [], Buffer.from(`${turns.length}`)),
  },
  "/paged": {
    sink: () => ({ ...sink({}), fileStart: 150, accept: (_block, start, end) => pass(end - start) }),
    handle: (exchange) => exchange.reply(200, [], Buffer.from("all")),
  },
  "/collected": { sink: () => sink({}), handle: (exchange) => exchange.reply(200, [], Buffer.from("collected")) },
  "/waits": { handle: (exchange) => void (waiting = exchange) },
  "/waits/body": {
    sink(exchange) {
      waiting = exchange;
      return sink({});
    },
  },
  "/answers": {
    handle(exchange) {
      exchange.reply(200, [], Buffer.from("mine"));
      taken().reply(200, [], Buffer.from("theirs"));
    },
  },
  "/cuts": {
    handle(exchange) {
      taken().drop();
      exchange.reply(200, [], Buffer.from("mine"));
    },
  },
  "/refuses": {
    handle(exchange) {
      taken().fail(404);
      exchange.reply(200, [], Buffer.from("mine"));
    },
  },
  "/echo": { sink: (exchange) => new Echo(exchange, 10_000) },
  "/begins": {
    sink: (exchange) => ({
      ...sink({
        accept: () => {
          exchange.reply(200, [], Buffer.from("all there is"));
          return 4;
        },
      }),
      answers: true,
    }),
  },
  "/leaves": {
    handle(exchange) {
      waiting = exchange;
      exchange.onGone = () => events.push("gone");
    },
  },
  "/adds": { handle: (exchange) => exchange.addField("X-Added", "yes") },
  "/adds/fails": {
    handle(exchange) {
      exchange.addField("X-Added", "yes");
      exchange.fail(404);
    },
  },
  "/knows": {
    optionsFields: () => [["X-Offers", "this"]],
  },
};

describe("a handler", () => {
  let running: InProcess;
  let port = 0;

  beforeAll(() => {
    running = startInProcess(
      folder,
      `error_log ${folder}/error.log; server { listen 127.0.0.1:0; error_page 404 /404.html; location / { return 200 fine; allowed_methods GET POST; client_max_body_size 10m; }
       location = /404.html { return 200 "a page"; } }`,
      () => turn++,
    );
    port = running.port;
    for (const handler of running.server.handlers()) replace(handler);
  });
  beforeEach(() => {
    events = [];
    waiting = null;
  });
  afterAll(() => running.stop());

  function replace(handler: Handler): void {
    const own = handler.handle.bind(handler);
    handler.sink = (exchange) => ACTS[exchange.path]?.sink?.(exchange);
    handler.optionsFields = (exchange) => ACTS[exchange.path]?.optionsFields?.(exchange) ?? [];
    handler.handle = (exchange) => {
      ACTS[exchange.path]?.handle?.(exchange);
      if (exchange.status === 0 && waiting !== exchange) own(exchange);
    };
  }

  const post = (path: string, body: string, length = body.length): string =>
    `POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Length: ${length}\r\n\r\n${body}`;

  test("answers in the middle of a body: the reply can be read, then the connection ends", async () => {
    const client = await Client.connect(port);
    await client.send(post("/full", "half", 8));
    expect((await client.reply()).status).toBe(507);
    await client.send("rest");
    expect((await client.rest()).length).toBe(0);
    expect(events).toEqual(["accept half", "abort"]);
    client.destroy();
  });

  test("gets a body of tiny chunks in shares, so that others are served between them", async () => {
    turns = [];
    const client = await Client.connect(port);
    const head = "POST /counts HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    await client.send(`${head}${"1\r\nx\r\n".repeat(5000)}0\r\n\r\n`);
    expect((await client.reply()).text).toBe("5000");
    const shares = Object.values(Object.groupBy(turns, (number) => number)).map((share) => share!.length);
    expect(Math.max(...shares)).toBeLessThanOrEqual(1024); // a share for what came in the turn, and one of the turn before
    client.destroy();
  });

  test("gets a large body in pieces that end with the pages of its file", async () => {
    ends = [];
    const client = await Client.connect(port);
    const sent = client.send(post("/paged", "x".repeat(3_500_000)));
    expect((await client.reply()).text).toBe("all");
    await sent;
    expect(ends).toEqual(expect.arrayContaining([1, 2, 3].map((megabytes) => 150 + megabytes * 1024 * 1024)));
    client.destroy();
  });

  test("closes in the middle of a body", async () => {
    const client = await Client.connect(port);
    await client.send(post("/drops", "half", 8));
    expect((await client.rest()).length).toBe(0);
    expect(events).toEqual(["accept half", "abort"]);
    client.destroy();
  });

  test.each([
    ["/end", 201, "made"],
    ["/collected", 200, "collected"],
  ])("answers at the end of a body, and the connection goes on: %s", async (path, status, text) => {
    const client = await Client.connect(port);
    await client.send(post(path, "whole") + get("/"));
    expect(await client.reply()).toMatchObject({ status, body: Buffer.from(text) });
    expect(await client.reply()).toMatchObject({ status: 200, body: Buffer.from("fine") });
    expect(events).toEqual(["accept whole", "end"]);
    client.destroy();
  });

  const isWaiting = async (): Promise<void> => {
    while (waiting === null) await Bun.sleep(1);
  };

  test("answers another client: each gets its own reply", async () => {
    const other = await Client.connect(port);
    await other.send(get("/waits"));
    await isWaiting();
    const client = await Client.connect(port);
    await client.send(get("/") + get("/answers") + get("/"));
    const texts = [await client.reply(), await client.reply(), await client.reply()].map(({ body }) => body.toString());
    expect(texts).toEqual(["fine", "mine", "fine"]);
    expect((await other.reply()).body.toString()).toBe("theirs");
    await other.send(get("/"));
    expect((await other.reply()).body.toString()).toBe("fine");
    other.destroy();
    client.destroy();
  });

  test("refuses another client with its error page", async () => {
    const other = await Client.connect(port);
    await other.send(get("/waits"));
    await isWaiting();
    const client = await Client.connect(port);
    await client.send(get("/refuses"));
    expect((await client.reply()).body.toString()).toBe("mine");
    expect(await other.reply()).toMatchObject({ status: 404, body: Buffer.from("a page") });
    other.destroy();
    client.destroy();
  });

  test.each(["/waits", "/waits/body"])("ends another client's connection: %s", async (path) => {
    const other = await Client.connect(port);
    await other.send(post(path, "half", path === "/waits" ? 4 : 8));
    await isWaiting();
    const client = await Client.connect(port);
    await client.send(get("/cuts"));
    expect((await client.reply()).body.toString()).toBe("mine");
    expect((await other.rest()).length).toBe(0);
    other.destroy();
    expect(events).toEqual(path === "/waits" ? [] : ["accept half", "abort"]);
    client.destroy();
  });

  test("sends its reply while the body comes, with back-pressure both ways", async () => {
    const body = Buffer.from(Array.from({ length: 1_000_000 }, (_, i) => (i * 7) & 255));
    const client = await Client.connect(port);
    const sent = client.send(Buffer.concat([Buffer.from(post("/echo", "", body.length)), body]));
    const reply = await client.reply();
    await sent;
    expect(reply.status).toBe(200);
    expect(reply.body.equals(body)).toBe(true);
    expect(events).toEqual(["close"]);
    client.destroy();
  });

  test("has its whole reply out before the body's end: the connection ends", async () => {
    const client = await Client.connect(port);
    await client.send(post("/begins", "half", 8));
    const reply = await client.reply();
    expect([reply.text, reply.field("connection")]).toEqual(["all there is", "close"]);
    expect((await client.rest()).length).toBe(0);
    expect(events).toEqual(["accept half", "abort"]);
    client.destroy();
  });

  test("learns that the client it has not answered yet has left", async () => {
    const client = await Client.connect(port);
    await client.send(get("/leaves"));
    await isWaiting();
    client.reset();
    while (events.length === 0) await Bun.sleep(1);
    await Bun.sleep(5);
    expect(events).toEqual(["gone"]);
  });

  test("adds a field to this request's reply and no other", async () => {
    const client = await Client.connect(port);
    const found: (string | undefined)[] = [];
    for (const path of ["/", "/adds", "/", "/adds/fails", "/"]) {
      await client.send(get(path));
      found.push((await client.reply()).field("x-added"));
    }
    expect(found).toEqual([undefined, "yes", undefined, "yes", undefined]);
    client.destroy();
  });

  test("adds fields to the reply to OPTIONS", async () => {
    const client = await Client.connect(port);
    await client.send("PATCH /knows HTTP/1.1\r\nHost: a\r\n\r\nOPTIONS /knows HTTP/1.1\r\nHost: a\r\n\r\n");
    expect((await client.reply()).status).toBe(405);
    const options = await client.reply();
    expect([options.status, options.field("allow"), options.field("x-offers")]).toEqual([
      204,
      "GET, POST, OPTIONS",
      "this",
    ]);
    client.destroy();
  });

  test("leaves nothing open", async () => {
    await untilAlone(running.server);
    expect(running.server.clients.size).toBe(0);
  });
});
