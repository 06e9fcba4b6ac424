/** Much at once: big files to slow readers, hundreds of connections, clients that leave. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { createHash, type Hash } from "node:crypto";
import { closeSync, openSync, readdirSync, writeSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { check } from "./cases.ts";
import { ask, Client, get } from "./client.ts";
import { ServerProcess, until, useServer } from "./server.ts";

setDefaultTimeout(60_000);

const SIZE = 100_000_000;

const server = useServer({
  configuration: `
    server {
      listen 127.0.0.1:0;
      root www;
      location /hello { return 200 "hello\\n"; }
    }`,
  files: { "www/small.txt": "small\n", "www/big.bin": { size: SIZE }, "www/medium.bin": { size: 2_000_000 } },
});

/** Writes a mark every 1 MB, so that a piece in the wrong place shows. */
function mark(path: string): void {
  const fd = openSync(path, "r+");
  for (let at = 0; at < SIZE; at += 1_000_003) writeSync(fd, `mark at ${at};`, at);
  closeSync(fd);
}

/** Reads a reply of any size without keeping it; pauses now and then when `slow`. */
function download(path: string, slow: boolean): Promise<{ length: number; digest: string }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ length: number; digest: string }>();
  const hash: Hash = createHash("sha1");
  let head: Buffer | null = Buffer.alloc(0);
  let length = 0;
  let sincePause = 0;
  const socket = connect(server.port, "127.0.0.1", () => socket.write(get(path, { Connection: "close" })));
  const take = (bytes: Buffer): void => {
    length += bytes.length;
    hash.update(bytes);
  };
  socket.on("data", (bytes: Buffer) => {
    sincePause += bytes.length;
    if (slow && sincePause > 8_000_000) {
      sincePause = 0;
      socket.pause();
      setTimeout(() => socket.resume(), 20);
    }
    if (head === null) return take(bytes);
    head = Buffer.concat([head, bytes]);
    const end = head.indexOf("\r\n\r\n");
    if (end < 0) return;
    take(head.subarray(end + 4));
    head = null;
  });
  socket.on("end", () => resolve({ length, digest: hash.digest("hex") }));
  socket.on("error", reject);
  return promise;
}

describe("a file of 100 MB", () => {
  test("arrives whole, to a quick reader and to a slow one", async () => {
    const path = join(server.folder, "www/big.bin");
    mark(path);
    const expected = {
      length: SIZE,
      digest: createHash("sha1")
        .update(new Uint8Array(await Bun.file(path).arrayBuffer()))
        .digest("hex"),
    };
    expect(await Promise.all([download("/big.bin", false), download("/big.bin", true)])).toEqual([expected, expected]);
  });

  test("a reader that stops does not hold up others", async () => {
    const stopped = await Client.connect(server.port);
    stopped.socket.pause();
    void stopped.send(get("/big.bin"));
    for (let i = 0; i < 50; i++) check(await ask(server.port, get("/small.txt")), { status: 200, body: "small\n" });
    stopped.destroy();
  });

  test("a reader that leaves in the middle leaves nothing behind", async () => {
    const before = await atRest();
    for (let i = 0; i < 20; i++) {
      const client = await Client.connect(server.port);
      void client.send(get("/big.bin"));
      await client.until(() => client.pending.length > 100_000, "some of it");
      client.socket.resetAndDestroy();
    }
    await settled(before + 1);
  });
});

const descriptors = (): number => readdirSync(`/proc/${server.pid}/fd`).length;

/** Waits until the server has closed what clients have left: no more descriptors than it had before any of them came. */
function settled(atMost: number): Promise<void> {
  return until(
    () => descriptors() <= atMost,
    () => `${descriptors()} descriptors, where ${atMost} were expected`,
  );
}

/** What it holds at rest: the files it keeps open are among them, so each is asked for first. */
async function atRest(): Promise<number> {
  for (const path of ["/small.txt", "/medium.bin", "/big.bin"]) await ask(server.port, get(path, {}, "HEAD"));
  let least = descriptors();
  for (let probe = 0; probe < 10; probe++) {
    await ask(server.port, get("/hello"));
    least = Math.min(least, descriptors());
  }
  return least;
}

describe("500 connections at once", () => {
  test("each gets its replies, twice, and all are closed again", async () => {
    const before = await atRest();
    const clients = await Promise.all(Array.from({ length: 500 }, () => Client.connect(server.port)));
    for (let round = 0; round < 2; round++) {
      const replies = await Promise.all(clients.map((client, i) => client.ask(get(i % 2 ? "/small.txt" : "/hello"))));
      expect(replies.map((reply) => reply.text)).toEqual(clients.map((_, i) => (i % 2 ? "small\n" : "hello\n")));
    }
    for (const client of clients) client.destroy();
    await settled(before + 1);
  });

  test("each reads 2 MB at its own pace", async () => {
    const clients = await Promise.all(Array.from({ length: 40 }, () => Client.connect(server.port)));
    const replies = await Promise.all(clients.map((client) => client.ask(get("/medium.bin"))));
    expect(replies.map((reply) => reply.body.length)).toEqual(clients.map(() => 2_000_000));
    for (const client of clients) client.destroy();
  });

  test("some of them leave without a word", async () => {
    for (let i = 0; i < 300; i++) {
      const client = await Client.connect(server.port);
      void client.send(get("/medium.bin").slice(0, (i * 7) % 60));
      if (i % 3 === 0) client.socket.resetAndDestroy();
      else client.destroy();
    }
    check(await ask(server.port, get("/small.txt")), { status: 200, body: "small\n" });
  });
});

test("worker_connections reached: who waits is served later", async () => {
  const narrow = new ServerProcess({
    configuration: `events { worker_connections 10; } http { server { listen 127.0.0.1:0; return 200 "in\\n"; } }`,
  });
  await narrow.start();
  const clients = await Promise.all(Array.from({ length: 30 }, () => Client.connect(narrow.port)));
  const served = clients.map(async (client) => {
    const reply = await client.ask(get("/"));
    client.destroy();
    return reply.text;
  });
  expect(await Promise.all(served)).toEqual(clients.map(() => "in\n"));
  await narrow.stop();
});
