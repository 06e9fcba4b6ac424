/** Servers and clients of the gateway that fail: each gives a clear status and one line in nginx's words. */

import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { ask, Client, get } from "./client.ts";
import { until, useServer } from "./server.ts";

setDefaultTimeout(60_000);

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/** What the server behind does with a request for /NAME. */
const MODES: Readonly<Record<string, (socket: Socket) => void>> = {
  garbage: (socket) => socket.write("\x16\x03\x01\x02\0garbage\r\n\r\n"),
  endless: (socket) => socket.write(`HTTP/1.1 200 OK\r\nX: ${"x".repeat(100_000)}`),
  closes: (socket) => socket.end("HTTP/1.1 200 OK\r\n"),
  "once-kept": (socket) => socket.end(OK),
  kept: (socket) => socket.write(OK),
  "too-short": (socket) => socket.end("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"),
  hangs: () => {},
};

const sockets = new Set<Socket>();
const backend = createServer((socket) => {
  sockets.add(socket);
  socket.on("error", () => {});
  socket.on("close", () => sockets.delete(socket));
  socket.on("data", (data) => MODES[/^[A-Z]+ \/([\w-]+)/.exec(data.toString("latin1"))?.[1] ?? ""]?.(socket));
});
const port = await new Promise<number>((resolve) =>
  backend.listen(0, "127.0.0.1", () => resolve((backend.address() as { port: number }).port)),
);
afterAll(() => {
  backend.close();
  for (const socket of sockets) socket.destroy();
});

const server = useServer({
  configuration: `
    upstream behind { server 127.0.0.1:${port} max_fails=0; keepalive 4; }
    server {
      listen 127.0.0.1:0;
      error_log stderr info;
      location / { proxy_pass http://behind; proxy_http_version 1.1; proxy_set_header Connection ""; }
      location /hangs/briefly { proxy_pass http://behind; proxy_read_timeout 300ms; }
      location /refused { proxy_pass http://127.0.0.1:1; }
    }`,
});

/** Waits for a line of the error log with this text. */
const logged = (text: string): Promise<void> =>
  until(
    () => server.stderr.includes(text),
    () => server.stderr,
  );

describe("the client gets a clear status, and the log nginx's line, when the server", () => {
  for (const [path, status, line] of [
    ["/refused", 502, "connect() failed (111: Connection refused) while connecting to upstream"],
    ["/garbage", 502, "while reading response header from upstream"],
    ["/endless", 502, "upstream sent too big header while reading response header from upstream"],
    ["/closes", 502, "upstream prematurely closed connection while reading response header from upstream"],
    [
      "/hangs/briefly",
      504,
      "upstream timed out (110: Connection timed out) while reading response header from upstream",
    ],
  ] as const) {
    test(`${path}: ${status}`, async () => {
      expect((await ask(server.port, get(path))).status).toBe(status);
      await logged(line);
      await logged(
        `request: "GET ${path} HTTP/1.1", upstream: "http://127.0.0.1:${path === "/refused" ? 1 : port}${path}"`,
      );
    });
  }
});

test("a connection that the server has closed while it was kept costs no request", async () => {
  for (let i = 0; i < 20; i++) expect((await ask(server.port, get("/once-kept"))).body.toString()).toBe("ok");
});

test("a reply that breaks off is cut, and has one line in the log", async () => {
  const client = await Client.connect(server.port);
  void client.send(get("/too-short"));
  expect((await client.rest()).toString("latin1")).toEndWith("\r\n\r\nabc");
  await logged("upstream prematurely closed connection while reading upstream");
  await ask(server.port, get("/refused/afterwards"));
  await logged("GET /refused/afterwards ");
  expect(server.stderr.split("\n").filter((line) => line.includes("GET /too-short "))).toHaveLength(1);
});

test("a client that leaves ends the connection to the server", async () => {
  const before = sockets.size;
  const client = connect(server.port, "127.0.0.1", () => client.write(get("/hangs")));
  await until(
    () => sockets.size > before,
    () => "no connection",
  );
  client.end();
  await logged(
    "client prematurely closed connection, so upstream connection is closed too while reading response header from upstream",
  );
  await until(
    () => sockets.size === before,
    () => `${sockets.size} connections are left`,
  );
});

describe("a server that passes a request on to itself", () => {
  const loop = useServer({
    configuration: `
      worker_rlimit_nofile 300;
      server {
        listen 127.0.0.1:0;
        listen unix:self.sock;
        location / { proxy_pass http://unix:self.sock; }
        location /ok { return 200; }
      }`,
  });

  test("ends the loop when descriptors become few, and goes on", async () => {
    expect((await ask(loop.port, get("/"))).status).toBe(502);
    expect((await ask(loop.port, get("/ok"))).status).toBe(200);
  });
});

describe("what a server sends on a kept connection that nobody asked for reaches no client", () => {
  const STALE = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison";
  const stop = (signal: "SIGSTOP" | "SIGCONT") => process.kill(server.pid, signal);

  /** Whether the process is stopped: T in proc_pid_stat(5). The signal alone has not stopped it yet. */
  const isStopped = (): boolean => /\) T/.test(readFileSync(`/proc/${server.pid}/stat`, "utf8"));

  /** Asks until a connection is kept, and gives it. */
  async function kept(): Promise<Socket> {
    const before = new Set(sockets);
    expect((await ask(server.port, get("/kept"))).body.toString()).toBe("ok");
    const all = [...sockets];
    return all.find((socket) => !before.has(socket)) ?? all.at(-1)!;
  }

  for (const [method, status] of [
    ["GET", 200],
    ["POST", 502], // it may have been acted on: not sent twice
  ] as const) {
    test(`${method}, of which the server is told together with it: ${status}`, async () => {
      const socket = await kept();
      const client = await Client.connect(server.port);
      expect((await client.ask(get("/kept"))).body.toString()).toBe("ok");
      stop("SIGSTOP");
      await until(isStopped, () => "it runs"); // what came before would be a turn of its own
      await client.send(get("/kept", { "Content-Length": "0" }, method)); // the request is seen first
      await new Promise<void>((resolve) => socket.write(STALE, () => resolve()));
      stop("SIGCONT");
      const reply = await client.reply();
      client.destroy();
      expect([reply.status, reply.body.includes("poison")]).toEqual([status, false]);
    });
  }

  test("it alone: the connection is closed", async () => {
    const socket = await kept();
    socket.write(STALE);
    await until(
      () => !sockets.has(socket),
      () => "still open",
    );
  });
});
