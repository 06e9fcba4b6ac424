/** Tunnels after 101: WebSockets with real clients and servers, then bytes, ends and deaths on either side. */
import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { join } from "node:path";
import { Client, get } from "./client.ts";
import { until, useServer } from "./server.ts";

setDefaultTimeout(60_000);

const MEGABYTE = 1024 * 1024;

/** Echoes; the message "bye" closes. */
const echo = Bun.serve<{ path: string }, never>({
  hostname: "127.0.0.1",
  port: 0,
  fetch(request, server) {
    if (server.upgrade(request, { data: { path: new URL(request.url).pathname } })) return;
    return new Response("no WebSocket");
  },
  websocket: {
    maxPayloadLength: 64 * MEGABYTE,
    open: (socket) => void socket.send(`hello ${socket.data.path}`),
    message: (socket, message) => void (message === "bye" ? socket.close(4001, "as asked") : socket.send(message)),
  },
});

/** Switches to any protocol; what it then does a test decides. */
let onTunnel: (socket: Socket, received: string) => void = () => {};
const raw = createServer({ allowHalfOpen: true }, (socket) => {
  socket.on("error", () => {});
  socket.once("data", (head) => {
    socket.pause();
    socket.write("HTTP/1.1 101 Switching Protocols\r\nUpgrade: test\r\nConnection: Upgrade\r\nX-Is: raw\r\n\r\nearly");
    onTunnel(socket, head.toString("latin1"));
  });
}).listen(0, "127.0.0.1");
await new Promise((resolve) => raw.once("listening", resolve));
const rawPort = (raw.address() as { port: number }).port;
afterAll(() => {
  void echo.stop(true);
  raw.close();
});

const upgrading = `proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade;`;
const server = useServer({
  configuration: `
    error_log error.log info;
    proxy_cache_path cache keys_zone=pages:1m;
    server {
      listen 127.0.0.1:0;
      access_log access.log;
      location /ws { proxy_pass http://127.0.0.1:${echo.port}; ${upgrading} }
      location /ws/cached {
        proxy_pass http://127.0.0.1:${echo.port}; ${upgrading}
        proxy_cache pages; proxy_cache_lock on; proxy_cache_lock_age 1h; proxy_cache_lock_timeout 1h;
      }
      location /raw { proxy_pass http://127.0.0.1:${rawPort}; ${upgrading} }
      location /idle { proxy_pass http://127.0.0.1:${rawPort}; ${upgrading} proxy_read_timeout 1s; }
      location /unasked { proxy_pass http://127.0.0.1:${rawPort}; proxy_set_header Upgrade test; proxy_set_header Connection upgrade; }
    }`,
});

const log = (name: string): string => readFileSync(join(server.folder, name), "utf8");
const logged = (name: string, pattern: RegExp): Promise<void> =>
  until(
    () => pattern.test(log(name)),
    () => log(name),
  );

describe("WebSockets", () => {
  /** A connected WebSocket, and what it receives. */
  async function connect(path: string) {
    const socket = new WebSocket(`ws://127.0.0.1:${server.port}${path}`);
    socket.binaryType = "arraybuffer";
    const messages: (string | ArrayBuffer)[] = [];
    const closed = new Promise<CloseEvent>((resolve) => socket.addEventListener("close", resolve));
    socket.addEventListener("message", ({ data }) => messages.push(data));
    await new Promise((resolve, reject) => {
      socket.addEventListener("open", resolve);
      socket.addEventListener("error", reject);
    });
    return {
      socket,
      messages,
      closed,
      has: (n: number) =>
        until(
          () => messages.length >= n,
          () => `${messages.length} messages`,
        ),
    };
  }

  test("messages go both ways, in order, and the server's close arrives", async () => {
    const { socket, messages, closed, has } = await connect("/ws/chat?x=1");
    await has(1);
    for (let i = 0; i < 100; i++) socket.send(`message ${i}`);
    await has(101);
    socket.send("bye");
    const { code, reason } = await closed;
    expect(messages).toEqual(["hello /ws/chat", ...Array.from({ length: 100 }, (_, i) => `message ${i}`)]);
    expect([code, reason]).toEqual([4001, "as asked"]);
    await logged("access.log", /"GET \/ws\/chat\?x=1 HTTP\/1\.1" 101 [1-9]\d+ /);
  });
  test("8 MB there and back", async () => {
    const { socket, messages, has } = await connect("/ws");
    const large = new Uint8Array(8 * MEGABYTE).map((_, i) => i * 7 + (i >> 9));
    socket.send(large);
    await has(2);
    expect(Bun.hash(messages[1] as ArrayBuffer)).toBe(Bun.hash(large));
    socket.close();
  });
  test("many at once", async () => {
    const all = await Promise.all(Array.from({ length: 50 }, (_, i) => connect(`/ws/${i}`)));
    for (const { socket } of all) socket.send("x");
    await Promise.all(all.map(({ has }) => has(2)));
    expect(all.map(({ messages }) => messages[0])).toEqual(all.map((_, i) => `hello /ws/${i}`));
    for (const { socket } of all) socket.close();
    await Promise.all(all.map(({ closed }) => closed));
  });
  test("a tunnel through a location with a cache holds no lock of it", async () => {
    const { socket, has } = await connect("/ws/cached");
    await has(1);
    expect(await (await fetch(`http://127.0.0.1:${server.port}/ws/cached`)).text()).toBe("no WebSocket");
    socket.close();
  });
  test("a request without Upgrade is an ordinary one", async () => {
    const response = await fetch(`http://127.0.0.1:${server.port}/ws`);
    expect([response.status, await response.text()]).toEqual([200, "no WebSocket"]);
  });
});

describe("bytes", () => {
  /** A tunnel: the client's end behind the 101, and the server's. */
  async function open(path = "/raw", early = ""): Promise<{ client: Client; far: Socket; head: string }> {
    const client = await Client.connect(server.port);
    const found = new Promise<{ far: Socket; head: string }>(
      (resolve) => (onTunnel = (far, head) => resolve({ far, head })),
    );
    const fields = { Upgrade: "test", Connection: "Upgrade" };
    await client.send(get(path, fields) + early);
    const { far, head } = await found;
    const reply = await client.reply();
    expect([reply.status, reply.field("upgrade"), reply.field("connection"), reply.field("x-is")]).toEqual([
      101,
      "test",
      "upgrade",
      "raw",
    ]);
    return { client, far, head };
  }
  const textOf = (far: Socket): { text: string } => {
    const got = { text: "" };
    far.on("data", (data) => (got.text += data.toString("latin1"))).resume();
    return got;
  };

  test("behind the heads of both sides are not lost", async () => {
    const { client, far } = await open("/raw", "already");
    const got = textOf(far);
    await until(
      () => got.text === "already",
      () => got.text,
    );
    await client.until(() => client.pending.toString() === "early", "what was early");
    client.destroy();
    far.destroy();
  });
  test("the client ends first, the server goes on, then ends", async () => {
    const { client, far } = await open();
    const got = textOf(far);
    const ended = new Promise((resolve) => far.once("end", resolve));
    await client.send("last words");
    client.finish();
    await ended;
    expect(got.text).toBe("last words");
    far.end("answer");
    expect(String(await client.rest())).toBe("earlyanswer");
  });
  test("the server ends first, the client goes on, then ends", async () => {
    const { client, far } = await open();
    const got = textOf(far);
    const ended = new Promise((resolve) => far.once("end", resolve));
    far.end("answer");
    expect(String(await client.rest())).toBe("earlyanswer");
    await client.send("last words");
    client.finish();
    await ended;
    expect(got.text).toBe("last words");
  });
  test("a client that does not read stops the server, and gets all in the end", async () => {
    const { client, far } = await open();
    client.socket.pause();
    const size = 32 * MEGABYTE;
    let drained = false;
    far.write(Buffer.alloc(size, 0x78), () => (drained = true));
    await Bun.sleep(300); // long enough for whoever would take it all
    expect(drained).toBe(false);
    client.socket.resume();
    far.end();
    expect((await client.rest()).length).toBe(size + "early".length);
    client.destroy();
  });
  test("a server that does not read stops the client, and gets all in the end", async () => {
    const { client, far } = await open();
    far.pause();
    const size = 32 * MEGABYTE;
    let drained = false;
    void client.send(Buffer.alloc(size, 0x78)).then(() => (drained = true));
    await Bun.sleep(300);
    expect(drained).toBe(false);
    let got = 0;
    const ended = new Promise((resolve) => far.once("end", resolve));
    far.on("data", (data) => (got += data.length)).resume();
    client.finish();
    await ended;
    expect(got).toBe(size);
    far.destroy();
    client.destroy();
  });
  test("a server that dies ends the client", async () => {
    const { client, far } = await open();
    far.resume().resetAndDestroy();
    await client.until(() => client.isClosed, "the end").catch(() => {});
    expect(client.isClosed).toBe(true);
    await logged("error.log", /recv\(\) failed \(104: Connection reset by peer\) while proxying upgraded connection/);
  });
  test("a client that dies ends the server", async () => {
    const { client, far } = await open();
    const closed = new Promise((resolve) => far.once("end", resolve).once("close", resolve));
    client.reset();
    far.resume();
    await closed;
  });
  test("nothing for proxy_read_timeout", async () => {
    const { client } = await open("/idle");
    expect(String(await client.rest())).toBe("early");
    await logged("error.log", /upstream timed out \(110: Connection timed out\) while proxying upgraded connection/);
  });
  test("a 101 that the client did not ask for is refused", async () => {
    onTunnel = () => {};
    const client = await Client.connect(server.port);
    expect((await client.ask(get("/unasked"))).status).toBe(502);
    await logged("error.log", /upstream sent unexpected status code 101 while reading response header from upstream/);
    client.destroy();
  });
});
