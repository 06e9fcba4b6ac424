/** No more scripts at once than cgi_max_processes; who has to wait waits in a queue of bounded length and time, and can leave it. */
import { beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { check } from "./cases.ts";
import { ask, Client, get } from "./client.ts";
import {
  children,
  descriptors,
  leavesNothing,
  TEXT,
  untilEnded,
  untilLogged,
  untilQuiet,
  untilWritten,
  useScripts,
} from "./scripts.ts";
import { until } from "./server.ts";
import { withBody } from "./upload-requests.ts";

setDefaultTimeout(60_000);

/** Runs until the test says "go", or until its own file is there. */
const GATED = `echo "$QUERY_STRING" >> "$DOCUMENT_ROOT/../started"
while [ ! -e "$DOCUMENT_ROOT/../go" ] && [ ! -e "$DOCUMENT_ROOT/../go-$QUERY_STRING" ]; do sleep 0.02; done
${TEXT}; printf '%s ' "$QUERY_STRING"; exec cat`;

const server = useScripts({
  directives:
    "cgi_max_processes 2; cgi_queue 2 60s; location /hasty/ { cgi_queue 10 1s; } location /none/ { cgi_queue 0; }",
  scripts: {
    "gated.sh": GATED,
    "hasty/gated.sh": GATED,
    "none/gated.sh": GATED,
    "no-program.run": "nothing that can be executed",
  },
  server: "root www; cgi .sh /bin/sh; cgi .run;",
  files: { "www/static.txt": "static\n" },
});

const path = (name: string): string => join(server.folder, name);
const started = (): string[] => readFileSync(path("started"), "latin1").split("\n").slice(0, -1);
const go = (name = ""): void => writeFileSync(path(name === "" ? "go" : `go-${name}`), "");

beforeEach(async () => {
  go();
  await untilQuiet(server);
  for (const name of ["started", "go", ...["a", "b", "c", "d", "e"].map((letter) => `go-${letter}`)]) {
    rmSync(path(name), { force: true });
  }
  writeFileSync(path("started"), "");
});

async function asks(name: string, folder = "", request = get(`${folder}/gated.sh?${name}`)): Promise<Client> {
  const client = await Client.connect(server.port);
  void client.send(request);
  return client;
}

/** Two that run. */
async function full(): Promise<[Client, Client]> {
  const clients: [Client, Client] = [await asks("a"), await asks("b")];
  await untilWritten(server, "started", 2);
  return clients;
}

/** Waits until the server has dealt with all that was sent before. */
async function settled(): Promise<void> {
  check(await ask(server.port, get("/static.txt")), { status: 200, body: "static\n" });
}

const BUSY = { status: 503, fields: { "retry-after": /\d+/, "content-type": /text\/html.*/ } };

test("the third waits until one of the two has ended, and files do not", async () => {
  const [a, b] = await full();
  const c = await asks("c");
  await settled();
  expect(children(server.pid).length).toBe(2);
  go("a");
  check(await a.reply(), { status: 200, body: "a " });
  await untilWritten(server, "started", 3);
  go();
  check(await b.reply(), { status: 200, body: "b " });
  check(await c.reply(), { status: 200, body: "c " });
  expect(started().toSorted()).toEqual(["a", "b", "c"]);
  for (const client of [a, b, c]) client.destroy();
});

test("in the order of their coming", async () => {
  const [a, b] = await full();
  const c = await asks("c");
  await settled();
  const d = await asks("d");
  await settled();
  for (const name of ["a", "c"]) {
    go(name);
    await untilWritten(server, "started", name === "a" ? 3 : 4);
  }
  expect(started().slice(2)).toEqual(["c", "d"]);
  go();
  for (const client of [a, b, c, d]) {
    check(await client.reply(), { status: 200 });
    client.destroy();
  }
});

test("a full queue is 503 at once, with Retry-After", async () => {
  const waiting = [...(await full()), await asks("c"), await asks("d")];
  await settled();
  check(await ask(server.port, get("/gated.sh?e")), BUSY);
  check(await ask(server.port, withBody("POST", "/gated.sh?e", "body")), BUSY);
  check(await ask(server.port, withBody("POST", "/gated.sh?e", "body", { chunk: 1 })), BUSY);
  check(await ask(server.port, get("/none/gated.sh?e")), BUSY);
  go();
  for (const client of waiting) {
    check(await client.reply(), { status: 200 });
    client.destroy();
  }
  expect(started()).not.toContain("e");
  await untilLogged(server, /\[error\].*script ".*gated\.sh" .*too many scripts/);
});

test("who has waited too long gets 503, and its script is never started", async () => {
  const [a, b] = await full();
  check(await ask(server.port, get("/hasty/gated.sh?e")), BUSY);
  check(await ask(server.port, withBody("POST", "/hasty/gated.sh?e", "x".repeat(100_000))), BUSY);
  go();
  for (const client of [a, b]) {
    check(await client.reply(), { status: 200 });
    client.destroy();
  }
  expect(started()).not.toContain("e");
});

test("who leaves the queue gives its place in it to another, and its script is never started", async () => {
  const [a, b] = await full();
  const sockets = () => descriptors(server.pid).filter((name) => name.startsWith("socket:")).length;
  const before = sockets();
  const leaving = [await asks("e"), await asks("e")];
  await settled();
  for (const client of leaving) client.reset();
  await until(
    () => sockets() === before,
    () => `${sockets()} sockets, not ${before}`,
  );
  const waiting = [await asks("c"), await asks("d")];
  await settled();
  go();
  for (const client of [a, b, ...waiting]) {
    check(await client.reply(), { status: 200 });
    client.destroy();
  }
  expect(started().toSorted()).toEqual(["a", "b", "c", "d"]);
});

describe("a body waits with its request", () => {
  test.each([0, 1000])("chunks of %d", async (chunk) => {
    const [a, b] = await full();
    const body = "x".repeat(500_000);
    const request = withBody("POST", "/gated.sh?c", body, { chunk }).toString("latin1");
    const c = await asks("c", "", request);
    await settled();
    expect(started().toSorted()).toEqual(["a", "b"]);
    go();
    expect((await c.reply("POST")).text === `c ${body}`).toBe(true);
    for (const client of [a, b, c]) client.destroy();
  });
});

test("programs that cannot be started give their places back", async () => {
  for (let i = 0; i < 10; i++) check(await ask(server.port, get("/no-program.run")), { status: 502 });
  const [a, b] = await full();
  const waiting = [await asks("c"), await Client.connect(server.port)];
  void waiting[1]!.send(get("/no-program.run"));
  await settled();
  go();
  check(await waiting[0]!.reply(), { status: 200, body: "c " });
  check(await waiting[1]!.reply(), { status: 502 });
  for (const client of [a, b, ...waiting]) client.destroy();
});

test("bodies that do not come take no places", async () => {
  const slow: Client[] = [];
  for (let i = 0; i < 70; i++) slow.push(await Client.connect(server.port));
  for (const client of slow) void client.send("POST /gated.sh?a HTTP/1.1\r\nHost: a\r\nContent-Length: 10000\r\n\r\nx");
  await settled();
  go();
  check(await ask(server.port, get("/gated.sh?b")), { status: 200, body: "b " });
  expect(started()).toEqual(["b"]);
  for (const client of slow) client.destroy();
});

test("scripts that were killed do, too", async () => {
  const [a, b] = await full();
  const c = await asks("c");
  const pids = children(server.pid).map(Number);
  a.reset();
  b.reset();
  await untilEnded(...pids);
  go();
  check(await c.reply(), { status: 200, body: "c " });
  c.destroy();
});

leavesNothing(server);
