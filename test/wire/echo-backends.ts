/** Backends that answer with what they were asked: over HTTP, FastCGI and uwsgi. */
import { rmSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createSocketServer, type Socket } from "node:net";
import { join } from "node:path";
import { makeFolder } from "./server.ts";

const SHOWN = /^(host|connection|upgrade|cookie|referer|authorization|content-length|content-type|x-.*)$/;

/** Parameters of a script that do not depend on the server's name, version or port. */
const PARAMETERS = [
  ...["SCRIPT_FILENAME", "SCRIPT_NAME", "PATH_INFO", "QUERY_STRING", "REQUEST_METHOD", "REQUEST_URI", "DOCUMENT_URI"],
  ...["DOCUMENT_ROOT", "CONTENT_TYPE", "CONTENT_LENGTH", "HTTPS", "SERVER_NAME", "REMOTE_ADDR", "REDIRECT_STATUS"],
  ...["HTTP_HOST", "HTTP_COOKIE", "HTTP_PROXY", "HTTP_X_SCHEME", "APP_ENV", "REMOTE_USER", "MAGE_MODE", "PHP_VALUE"],
];

/** Starts them. @returns the port of the HTTP server, a folder with http.sock, fastcgi.sock and uwsgi.sock, and how to end them */
export async function startBackends(): Promise<{ http: number; folder: string; stop(): void }> {
  const folder = makeFolder();
  const overTcp = createServer(answer);
  const servers = [
    overTcp,
    createServer(answer),
    createSocketServer((socket) => collect(socket, fastcgi)),
    createSocketServer((socket) => collect(socket, uwsgi)),
  ] as const;
  const sockets = ["http.sock", "fastcgi.sock", "uwsgi.sock"].map((name) => ({ path: join(folder, name) }));
  await Promise.all(
    [{ host: "127.0.0.1", port: 0 }, ...sockets].map(
      (where, i) => new Promise<void>((resolve) => servers[i]!.listen(where, () => resolve())),
    ),
  );
  const { port } = overTcp.address() as { port: number };
  const stop = (): void => {
    for (const server of servers) server.close();
    rmSync(folder, { recursive: true, force: true });
  };
  return { http: port, folder, stop };
}

function answer(request: IncomingMessage, response: ServerResponse): void {
  const fields = Object.entries(request.headers).filter(([name]) => SHOWN.test(name));
  const lines = fields.map(([name, value]) => `${name}: ${value}`).sort();
  request.resume().on("end", () => {
    if (request.url === "/auth") {
      response.statusCode = request.headers["x-session"] === "good" ? 200 : 401;
      response.setHeader("X-User", "alice");
    }
    if (request.url!.endsWith(".png")) response.setHeader("Cache-Control", "max-age=60");
    response.setHeader("Content-Type", "text/plain");
    response.end([`${request.method} path ${request.url}`, ...lines, ""].join("\n"));
  });
}

/** Gives `take` all that has come, until it has answered. */
function collect(socket: Socket, take: (bytes: Buffer, socket: Socket) => boolean): void {
  let all = Buffer.alloc(0);
  socket.on("error", () => {});
  socket.on("data", (bytes) => {
    all = Buffer.concat([all, bytes as Buffer]);
    if (take(all, socket)) all = Buffer.alloc(0);
  });
}

const shown = (parameters: ReadonlyMap<string, string>): string =>
  PARAMETERS.filter((name) => parameters.has(name))
    .map((name) => `${name}=${parameters.get(name)}\n`)
    .join("");

const HEAD = "Content-Type: text/html; charset=UTF-8\r\nX-Powered-By: PHP/0\r\n\r\n";

/** Answers a whole FastCGI request. */
function fastcgi(bytes: Buffer, socket: Socket): boolean {
  const streams: Record<number, Buffer[]> = { 4: [], 5: [] };
  for (let at = 0; at + 8 <= bytes.length; ) {
    const length = bytes.readUInt16BE(at + 4);
    const content = bytes.subarray(at + 8, at + 8 + length);
    if (bytes.length < at + 8 + length) return false;
    const type = bytes[at + 1]!;
    streams[type]?.push(content);
    at += 8 + length + bytes[at + 6]!;
    if (type !== 5 || length > 0) continue;
    const reply = Buffer.from(HEAD + shown(pairs(Buffer.concat(streams[4]!))), "latin1");
    socket.end(Buffer.concat([record(6, reply), record(6, Buffer.alloc(0)), record(3, Buffer.alloc(8))]));
    return true;
  }
  return false;
}

function record(type: number, content: Buffer): Buffer {
  const head = Buffer.from([1, type, 0, 1, content.length >> 8, content.length & 255, 0, 0]);
  return Buffer.concat([head, content]);
}

/** FastCGI's name-value pairs. */
function pairs(bytes: Buffer): Map<string, string> {
  const found = new Map<string, string>();
  let at = 0;
  const size = (): number => {
    const long = bytes[at]! >= 128;
    const value = long ? bytes.readUInt32BE(at) & 0x7fffffff : bytes[at]!;
    at += long ? 4 : 1;
    return value;
  };
  while (at < bytes.length) {
    const [name, value] = [size(), size()];
    found.set(bytes.toString("latin1", at, at + name), bytes.toString("latin1", at + name, at + name + value));
    at += name + value;
  }
  return found;
}

/** Answers a uwsgi request; its body is left unread. */
function uwsgi(bytes: Buffer, socket: Socket): boolean {
  if (bytes.length < 4 || bytes.length < 4 + bytes.readUInt16LE(1)) return false;
  const end = 4 + bytes.readUInt16LE(1);
  const found = new Map<string, string>();
  let at = 4;
  const text = (): string => {
    const length = bytes.readUInt16LE(at);
    at += 2 + length;
    return bytes.toString("latin1", at - length, at);
  };
  while (at < end) found.set(text(), text());
  socket.end(`HTTP/1.1 200 OK\r\n${HEAD}${shown(found)}`);
  return true;
}
