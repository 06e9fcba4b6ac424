/** Replies of other servers on their way to clients: which fields they get, X-Accel-*, buffering, temporary files, stores. */
import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { endRequest, record, STDERR, STDOUT } from "../unit/handlers/fastcgi/world.ts";
import { ask, get, type Reply } from "./client.ts";
import { until, useServer } from "./server.ts";

setDefaultTimeout(60_000);

const MEGABYTE = 1024 * 1024;
const ERROR_TYPE = "text/html; charset=utf-8";
const LARGE = 40 * MEGABYTE;

/** Byte `i` of every large body. */
const pattern = (length: number): Buffer => {
  const bytes = Buffer.alloc(length);
  for (let i = 0; i + 4 <= length; i += 4) bytes.writeUInt32LE(i, i);
  return bytes;
};
const large = pattern(LARGE);

/** The server behind: gives what the path asks for, and knows how much of it was taken. */
class Backend {
  port = 0;
  readonly requests: string[] = [];
  /** Slow replies that have ended, one way or another. */
  slowEnded = 0;
  /** Those of them that were given to their end. */
  slowGiven = 0;
  lateGiven = 0;
  /** Large bodies that were read to their end. */
  taken = 0;
  private readonly sockets = new Set<Socket>();
  private readonly server: Server = createServer((socket) => this.serve(socket));

  listen(): Promise<number> {
    return new Promise((resolve) =>
      this.server.listen(0, "127.0.0.1", () => resolve((this.port = (this.server.address() as { port: number }).port))),
    );
  }

  close(): void {
    this.server.close();
    for (const socket of this.sockets) socket.destroy();
  }

  private serve(socket: Socket): void {
    this.sockets.add(socket);
    socket.on("close", () => this.sockets.delete(socket));
    socket.on("error", () => {});
    let text = "";
    socket.on("data", (data) => {
      text += data.toString("latin1");
      if (!text.includes("\r\n\r\n")) return;
      this.requests.push(text);
      const path = text.split(" ")[1]!;
      text = "";
      this.answer(socket, new URL(path, "http://x"));
    });
  }

  private answer(socket: Socket, { pathname, searchParams }: URL): void {
    const fields = searchParams.getAll("f").map((field) => `${field}\r\n`);
    const kind = pathname.slice(pathname.lastIndexOf("/") + 1);
    const head = (length: number | null, status = "200 OK") =>
      `HTTP/1.1 ${status}\r\nConnection: close\r\n${fields.join("")}${length === null ? "" : `Content-Length: ${length}\r\n`}\r\n`;
    if (kind.startsWith("large") || kind.startsWith("endless")) {
      socket.on("close", () => this.taken++);
      socket.write(head(kind.startsWith("large") ? LARGE : null));
      socket.end(large);
    } else if (kind.startsWith("slow")) {
      const end = setTimeout(() => socket.end("more", () => this.slowGiven++), kind === "slowest" ? 60_000 : 300);
      socket.on("close", () => this.slowEnded++);
      socket.on("close", () => clearTimeout(end));
      socket.write(`${head(8)}some`);
    } else if (kind.startsWith("late")) {
      socket.on("close", () => this.slowEnded++);
      setTimeout(() => socket.end(`${head(4)}late`, () => this.lateGiven++), 300);
    } else if (kind.startsWith("cut")) socket.end(`${head(8)}some`);
    else {
      const status = /^\d{3}/.exec(kind)?.[0];
      const body = status === "304" || status === "204" ? "" : `body of ${kind}`;
      socket.end(head(body.length, status === undefined ? undefined : `${status} X`) + body);
    }
  }
}

const backend = new Backend();
await backend.listen();
afterAll(() => backend.close());

/** A FastCGI program: begins a reply, and goes on when the test says so. */
let program: Socket;
const programs = createServer((socket) => {
  program = socket.on("error", () => {});
  socket.once("data", () => socket.write(record(STDOUT, "Content-Type: text/plain\r\n\r\nsome")));
});
await new Promise<void>((resolve) => programs.listen(0, "127.0.0.1", resolve));
afterAll(() => void programs.close());
const programPort = (programs.address() as { port: number }).port;

const pass = `proxy_pass http://127.0.0.1:${backend.port}`;

const server = useServer({
  configuration: `
    server {
      listen 127.0.0.1:0;
      root www;
      error_log error.log warn;
      location /plain/ { ${pass}/; }
      location /fields/ { ${pass}/; proxy_hide_header X-Secret; proxy_pass_header Server; proxy_pass_header X-Accel-Limit-Rate;
                          proxy_ignore_headers X-Accel-Redirect X-Accel-Buffering; }
      location /files/ { internal; alias www/private/; }
      location /typed/ { internal; alias www/private/; expires 1h; }
      location @named { return 200 "named $uri"; }
      location /errors/ { ${pass}/; proxy_intercept_errors on; error_page 404 /oops.html; error_page 401 /login.html; }
      location /ranges/ { ${pass}/; proxy_force_ranges on; }
      location /store/ { ${pass}/; root www/stored; proxy_store on; proxy_store_access user:rw group:r all:r; }
      location /kept/ { ${pass}/; proxy_store www/by-path$uri; }
      location /stored/ { }
      location /added/ { ${pass}/; expires 1h; add_header X-Added yes; gzip on; gzip_types text/plain; gzip_min_length 5; gzip_proxied any; }
      location /temp/ { ${pass}/; proxy_temp_path temp; proxy_buffers 4 8k; }
      location /notemp/ { ${pass}/; proxy_temp_path temp; proxy_max_temp_file_size 0; }
      location /off/ { ${pass}/; proxy_temp_path temp; proxy_buffering off; }
      location /lost/ { ${pass}/; proxy_temp_path missing/folder; }
      location /rate/ { ${pass}/; proxy_limit_rate 100k; }
      location /program/ { fastcgi_pass 127.0.0.1:${programPort}; fastcgi_ignore_client_abort on; access_log program.log; }
      location /stays/ { ${pass}/; proxy_ignore_client_abort on; }
    }`,
  files: {
    "www/oops.html": "oops",
    "www/login.html": "login",
    "www/private/a file.txt": "a private file",
    "www/private/page.html": "<p>private</p>",
    "temp/": "",
  },
});

const from = (path: string, ...fields: string[]): Promise<Reply> =>
  ask(
    server.port,
    get(`${path}${fields.map((field, i) => `${i === 0 ? "?" : "&"}f=${encodeURIComponent(field)}`).join("")}`),
  );

describe("fields", () => {
  test("that nginx hides, those of the connection, and those that the configuration names", async () => {
    const sent = [
      "Server: other",
      "X-Pad: 1",
      "X-Secret: 2",
      "X-Own: 3",
      "X-Accel-Expires: 4",
      "X-Accel-Limit-Rate: 500000",
    ];
    const plain = await from("/plain/a", ...sent);
    expect([
      plain.field("x-secret"),
      plain.field("x-own"),
      plain.field("x-pad"),
      plain.field("x-accel-expires"),
    ]).toEqual(["2", "3", undefined, undefined]);
    expect(plain.field("server")).toStartWith("webserv");
    const chosen = await from("/fields/a", ...sent, "X-Accel-Redirect: /files/page.html");
    expect([chosen.field("server"), chosen.field("x-secret"), chosen.field("x-accel-limit-rate")]).toEqual([
      "other",
      undefined,
      "500000",
    ]);
    expect(chosen.text).toBe("body of a");
  });
  test("of expires and add_header, and compression", async () => {
    const reply = await ask(
      server.port,
      get("/added/a?f=Content-Type:text/plain&f=Cache-Control:private&f=ETag:%221%22", { "Accept-Encoding": "gzip" }),
    );
    expect([
      reply.field("cache-control"),
      reply.field("x-added"),
      reply.field("content-encoding"),
      reply.field("etag"),
    ]).toEqual(["max-age=3600", "yes", "gzip", 'W/"1"']);
    expect(Buffer.from(Bun.gunzipSync(new Uint8Array(reply.body))).toString()).toBe("body of a");
  });
  test("X-Accel-Charset", async () => {
    const reply = await from("/plain/a", "Content-Type: text/html; charset=latin1", "X-Accel-Charset: utf-8");
    expect(reply.field("content-type")).toBe("text/html; charset=utf-8");
  });
});

describe("X-Accel-Redirect", () => {
  test("leads to an internal location, which keeps some fields of the server", async () => {
    const reply = await from(
      "/plain/a",
      "X-Accel-Redirect: /files/a%20file.txt?x=1",
      "Set-Cookie: a=1",
      "Set-Cookie: b=2",
      "Content-Type: text/x-mine",
      "Content-Disposition: attachment",
      "X-Other: lost",
    );
    expect([reply.status, reply.text]).toEqual([200, "a private file"]);
    expect([reply.field("set-cookie"), reply.field("content-type"), reply.field("content-disposition")]).toEqual([
      "a=1, b=2",
      "text/x-mine",
      "attachment",
    ]);
    expect([reply.field("x-other"), reply.field("x-accel-redirect")]).toEqual([undefined, undefined]);
  });
  test("the location's own type where the server gives none, and its expires", async () => {
    const reply = await from("/plain/a", "X-Accel-Redirect: /typed/page.html", "Cache-Control: private");
    expect([reply.field("content-type"), reply.field("cache-control")]).toEqual(["text/html", "private, max-age=3600"]);
  });
  test("of a named location, of a path that leaves, of a missing file", async () => {
    expect((await from("/plain/a", "X-Accel-Redirect: @named")).text).toBe("named /plain/a");
    const bad = await from("/plain/a", "X-Accel-Redirect: /files/../../etc/passwd", "Content-Type: text/x-mine");
    expect([bad.status, bad.field("content-type")]).toEqual([404, ERROR_TYPE]);
    const missing = await from("/plain/a", "X-Accel-Redirect: /files/nothing", "Content-Type: text/x-mine");
    expect([missing.status, missing.field("content-type")]).toEqual([404, ERROR_TYPE]);
  });
});

test("proxy_intercept_errors", async () => {
  const status = async (path: string, ...fields: string[]) => {
    const reply = await from(path, ...fields);
    return [reply.status, reply.text, reply.field("www-authenticate")];
  };
  expect(await status("/errors/404")).toEqual([404, "oops", undefined]);
  expect(await status("/errors/401", 'WWW-Authenticate: Basic realm="x"')).toEqual([401, "login", 'Basic realm="x"']);
  expect(await status("/errors/403")).toEqual([403, "body of 403", undefined]);
  expect(await status("/plain/404")).toEqual([404, "body of 404", undefined]);
});

test("proxy_force_ranges", async () => {
  const ranged = async (range: string) => {
    const reply = await ask(server.port, get("/ranges/part?f=ETag:%221%22", { Range: `bytes=${range}` }));
    return [reply.status, reply.text, reply.field("content-range")];
  };
  expect(await ranged("2-5")).toEqual([206, "dy o", "bytes 2-5/12"]);
  expect(await ranged("-4")).toEqual([206, "part", "bytes 8-11/12"]);
  expect((await ranged("20-"))[0]).toBe(416);
  expect(await ranged("0-1,4-5")).toEqual([200, "body of part", undefined]);
  expect((await from("/ranges/part")).field("accept-ranges")).toBe("bytes");
  expect((await ask(server.port, get("/ranges/part", {}, "HEAD"))).field("accept-ranges")).toBe("bytes");
  const deep = await ask(server.port, get("/ranges/large", { Range: `bytes=${LARGE - 8}-` }));
  expect(deep.body.equals(large.subarray(LARGE - 8))).toBe(true);
});

describe("proxy_store", () => {
  test("a Last-Modified that is no date does not become the file's", async () => {
    const before = Date.now() - 5000; // the clock of the file system is coarse
    await from("/store/odd.txt", "Last-Modified: yesterday");
    const path = join(server.folder, "www/stored/store/odd.txt");
    await until(
      () => existsSync(path),
      () => path,
    );
    expect(statSync(path).mtimeMs).toBeGreaterThan(before);
  });
  test("keeps complete replies, with their time and mode", async () => {
    await from("/store/deep/er/a.txt", "Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT");
    const path = join(server.folder, "www/stored/store/deep/er/a.txt");
    const { mtimeMs, mode } = statSync(path);
    expect([readFileSync(path, "utf8"), mtimeMs, mode & 0o777]).toEqual(["body of a.txt", 784111777000, 0o644]);
    expect((await from("/stored/store/deep/er/a.txt")).text).toBe("body of a.txt");
  });
  test("at a path with variables, which begins at the prefix", async () => {
    await from("/kept/b.txt");
    expect(readFileSync(join(server.folder, "www/by-path/kept/b.txt"), "utf8")).toBe("body of b.txt");
  });
  test("and no others", async () => {
    await from("/store/404");
    await expect(from("/store/cut.txt")).rejects.toThrow();
    await until(
      () => readdirSync(join(server.folder, "www/stored/store")).sort().join() === "deep,odd.txt",
      () => readdirSync(join(server.folder, "www/stored/store")).join(),
    );
  });
  test("also when the client leaves", async () => {
    await leaves("/store/slow.txt");
    const path = join(server.folder, "www/stored/store/slow.txt");
    await until(
      () => existsSync(path),
      () => "no file",
    );
    expect(readFileSync(path, "utf8")).toBe("somemore");
  });
});

/** Asks, and leaves when the reply has begun. */
async function leaves(path: string): Promise<void> {
  const socket = connect(server.port, "127.0.0.1");
  socket.on("error", () => {});
  socket.write(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`);
  await new Promise((resolve) => socket.once("data", resolve));
  socket.resetAndDestroy();
}

test("what a program says after its client has left is not logged with another request", async () => {
  await leaves("/program/");
  const text = (name: string) => readFileSync(join(server.folder, name), "utf8");
  await until(
    () => text("program.log") !== "",
    () => "the client is still there",
  );
  program.end(Buffer.concat([record(STDERR, "late"), record(STDOUT, ""), endRequest()]));
  const line = () => text("error.log").match(/.*FastCGI sent in stderr.*/)?.[0] ?? "";
  await until(() => line() !== "", line);
  expect(line()).toEndWith('"late" while reading upstream, client: 127.0.0.1');
});

describe("buffering", () => {
  /** Asks for the path and reads nothing until `meanwhile` is done, then everything. */
  async function afterwards(path: string, meanwhile: () => Promise<void>): Promise<Buffer> {
    const pieces: Buffer[] = [];
    const closed = Promise.withResolvers<void>();
    const socket = await Bun.connect({
      hostname: "127.0.0.1",
      port: server.port,
      socket: { data: (_, piece) => void pieces.push(Buffer.from(piece)), close: () => closed.resolve() },
    });
    socket.pause();
    socket.write(`GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
    await meanwhile();
    socket.resume();
    await closed.promise;
    return Buffer.concat(pieces);
  }
  const bodyOf = (bytes: Buffer): Buffer => bytes.subarray(bytes.indexOf("\r\n\r\n") + 4);
  const taken = (count: number) => () =>
    until(
      () => backend.taken >= count,
      () => `${backend.taken} of ${count}`,
    );

  const logged = (text: string) =>
    until(
      () => readFileSync(join(server.folder, "error.log"), "utf8").includes(text),
      () => readFileSync(join(server.folder, "error.log"), "utf8"),
    );

  test("a slow client does not occupy the server behind; its reply waits in a file without a name", async () => {
    const bytes = await afterwards("/temp/large", taken(backend.taken + 1));
    expect(bodyOf(bytes).equals(large)).toBe(true);
    expect(readdirSync(join(server.folder, "temp"))).toEqual([]);
    await logged("is buffered to a temporary file");
  });
  test("in chunks, too", async () => {
    const bytes = await afterwards("/temp/endless", taken(backend.taken + 1));
    const reply = bodyOf(bytes);
    const pieces: Buffer[] = [];
    for (let at = 0; ; ) {
      const lineEnd = reply.indexOf("\r\n", at);
      const size = Number.parseInt(reply.toString("latin1", at, lineEnd), 16);
      if (size === 0) break;
      pieces.push(reply.subarray(lineEnd + 2, lineEnd + 2 + size));
      expect(reply.toString("latin1", lineEnd + 2 + size, lineEnd + 4 + size)).toBe("\r\n");
      at = lineEnd + 4 + size;
    }
    expect(Buffer.concat(pieces).equals(large)).toBe(true);
  });
  test.each(["notemp", "off", "lost"])("%s: the server behind waits for the client", async (name) => {
    const before = backend.taken;
    const bytes = await afterwards(`/${name}/large`, async () => {
      await Bun.sleep(200);
      expect(backend.taken).toBe(before);
    });
    expect(bodyOf(bytes).equals(large)).toBe(true);
    await taken(before + 1)();
  });
  test("a missing folder is logged", () => logged("cannot make a temporary file"));
  test("proxy_limit_rate, X-Accel-Limit-Rate", async () => {
    const slow = async (path: string): Promise<number> => {
      const start = performance.now();
      const socket = connect(server.port, "127.0.0.1");
      let received = 0;
      socket.on("data", (piece) => (received += piece.length));
      socket.write(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`);
      await until(
        () => received > 150_000,
        () => String(received),
      );
      socket.destroy();
      return performance.now() - start;
    };
    expect(await slow("/rate/large")).toBeGreaterThan(300);
    expect(await slow("/plain/large?f=X-Accel-Limit-Rate:100000")).toBeGreaterThan(300);
  });
});

test("proxy_ignore_client_abort: the server behind gives its reply to its end", async () => {
  const { slowEnded, slowGiven } = backend;
  const given = () => [backend.slowEnded - slowEnded, backend.slowGiven - slowGiven];
  const ended = (count: number) =>
    until(
      () => backend.slowEnded === slowEnded + count,
      () => String(given()),
    );
  await leaves("/stays/slow");
  await ended(1);
  expect(given()).toEqual([1, 1]);
  await leaves("/plain/slowest");
  await ended(2);
  expect(given()).toEqual([2, 1]);
});

test("proxy_ignore_client_abort before the reply has begun; the client's exchange serves others meanwhile", async () => {
  const { slowEnded, requests } = backend;
  const socket = connect(server.port, "127.0.0.1");
  socket.on("error", () => {});
  socket.write("GET /stays/late HTTP/1.1\r\nHost: a\r\n\r\n");
  await until(
    () => requests.at(-1)!.startsWith("GET /late "),
    () => requests.at(-1)!,
  );
  socket.resetAndDestroy();
  for (let i = 0; i < 10; i++) expect((await from("/plain/a")).text).toBe("body of a");
  await until(
    () => backend.slowEnded > slowEnded,
    () => "no end",
  );
  expect(backend.lateGiven).toBe(1);
  expect((await from("/plain/a")).text).toBe("body of a");
});
