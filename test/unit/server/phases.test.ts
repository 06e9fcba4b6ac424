/** Phases that need time: the request waits for them, and nothing of it happens meanwhile. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Exchange } from "../../../src/exchange/exchange.ts";
import { ANSWERED, GO_ON, LATER, type Phase } from "../../../src/exchange/phase.ts";
import { Client, get } from "../../wire/client.ts";
import { type InProcess, startInProcess, untilAlone } from "./in-process.ts";

const folder = mkdtempSync(join(tmpdir(), "webserv-phases-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** The requests that wait, in the order in which they were asked. */
let waiting: Exchange[] = [];
/** The paths that a phase was asked about, and of those whose client left. */
let asked: string[] = [];
let gone: string[] = [];

function wait(exchange: Exchange): typeof LATER {
  waiting.push(exchange);
  const { path } = exchange;
  exchange.onGone = () => {
    gone.push(path);
    waiting = waiting.filter((one) => one !== exchange);
  };
  return LATER;
}

/** What the phase of every location says, by path; else GO_ON. */
const VERDICTS: { readonly [path: string]: Phase } = {
  "/waits": wait,
  "/page": wait,
  "/up/waits": wait,
  "/at-once": (exchange) => {
    exchange.proceed();
    return LATER;
  },
  "/throws": () => {
    throw new Error("planned");
  },
  "/refuses": (exchange) => {
    exchange.fail(404);
    return ANSWERED;
  },
  "/moves": (exchange) => {
    exchange.redirect("/waits");
    return ANSWERED;
  },
};

/** The next request that waits. */
async function next(): Promise<Exchange> {
  while (waiting.length === 0) await Bun.sleep(1);
  return waiting.shift()!;
}

describe("a phase", () => {
  let running: InProcess;
  let client: Client;

  beforeAll(() => {
    mkdirSync(join(folder, "up"));
    for (const name of ["waits", "at-once", "page", "a"]) writeFileSync(join(folder, name), `${name}!`);
    writeFileSync(join(folder, "index.sh"), "printf 'Location: /waits\\n\\n'");
    running = startInProcess(
      folder,
      `error_log ${folder}/error.log; server { listen 127.0.0.1:0; root ${folder}; error_page 404 /page;
       location / { client_body_timeout 1ms; }
       location ^~ /up/ { upload_store ${folder}/up; }
       location = /index.sh { cgi .sh /bin/sh; client_body_buffer_size 0; } }`,
    );
    for (const route of running.server.routes()) {
      const phase: Phase = (exchange) => {
        asked.push(exchange.path);
        return VERDICTS[exchange.path]?.(exchange) ?? GO_ON;
      };
      Object.assign(route, { phases: [...route.phases, phase, () => GO_ON] });
    }
  });
  beforeEach(async () => {
    waiting = [];
    asked = [];
    gone = [];
    client = await Client.connect(running.port);
  });
  afterAll(() => running.stop());

  test("that waits holds the request, and what is pipelined behind it", async () => {
    await client.send(get("/waits") + get("/a"));
    const exchange = await next();
    await Bun.sleep(20);
    expect([client.pending.length, asked]).toEqual([0, ["/waits"]]);
    exchange.proceed();
    expect((await client.reply()).text).toBe("waits!");
    expect((await client.reply()).text).toBe("a!");
    expect(asked).toEqual(["/waits", "/a"]);
    client.destroy();
  });

  test("that goes on before it has said that it waits does not wait", async () => {
    expect((await client.ask(get("/at-once"))).text).toBe("at-once!");
    client.destroy();
  });

  test("that waits can answer by itself", async () => {
    await client.send(get("/waits"));
    (await next()).fail(403);
    expect((await client.reply()).status).toBe(403);
    expect((await client.ask(get("/a"))).text).toBe("a!");
    client.destroy();
  });

  const put = "PUT /up/waits HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n";

  test("decides before the client is asked for the body", async () => {
    await client.send(`${put}Expect: 100-continue\r\n\r\n`);
    const exchange = await next();
    await Bun.sleep(20);
    expect(client.pending.length).toBe(0);
    exchange.proceed();
    expect((await client.reply()).status).toBe(100);
    await client.send("body");
    expect((await client.reply("PUT")).status).toBe(201);
    client.destroy();
  });

  test("decides before a body that has come is read", async () => {
    await client.send(`${put}\r\nbody${get("/a")}`);
    const exchange = await next();
    exchange.proceed();
    expect((await client.reply("PUT")).status).toBe(204);
    expect((await client.reply()).text).toBe("a!");
    client.destroy();
  });

  test("that refuses a request gets it refused without its body", async () => {
    await client.send(`${put}\r\n`);
    (await next()).fail(401);
    expect((await client.reply("PUT")).status).toBe(401);
    expect((await client.rest()).length).toBe(0);
    client.destroy();
  });

  test("learns that the client left", async () => {
    await client.send(get("/waits"));
    await next();
    client.reset();
    await untilAlone(running.server);
    expect(gone).toEqual(["/waits"]);
  });

  test("is asked of the location that an internal redirect leads to", async () => {
    await client.send(get("/moves"));
    (await next()).proceed();
    expect((await client.reply()).text).toBe("waits!");
    expect(asked).toEqual(["/moves", "/waits"]);
    client.destroy();
  });

  test("is asked of the location that a script leads to, whose body still comes", async () => {
    await client.send("POST /index.sh HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nhalf");
    (await next()).proceed();
    expect((await client.reply()).text).toBe("waits!");
    client.destroy();
  });

  test("is asked of the page of an error", async () => {
    await client.send(get("/refuses"));
    (await next()).proceed();
    const { status, text } = await client.reply();
    expect([status, text]).toEqual([404, "page!"]);
    expect(asked).toEqual(["/refuses", "/page"]);
    client.destroy();
  });

  test("that throws costs its client a 500", async () => {
    await client.send(get("/throws"));
    expect((await client.reply()).status).toBe(500);
    client.destroy();
  });

  test("of a server that stops waits no more", async () => {
    await client.send(get("/waits"));
    await next();
    running.server.quit();
    running.stop();
    expect(gone).toEqual(["/waits"]);
    client.destroy();
  });
});
