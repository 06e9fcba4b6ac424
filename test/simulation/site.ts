/** The site of the simulation, and the replies of a correct server to requests for it. They are written here, not computed by the server. */
import type { SimulatedKernel } from "./kernel.ts";

export const CONFIG_FILE = "/etc/webserv/conf/simulation.conf";

/** All limits are small, so that a run reaches many of them. */
const LIMITS: Readonly<Record<string, string>> = {
  client_header_timeout: "10s",
  client_body_timeout: "8s",
  send_timeout: "9s",
  keepalive_timeout: "15s",
  lingering_time: "6s",
  lingering_timeout: "2s",
  client_max_body_size: "100k",
};

/** The configuration. `server` is put into the server block, and replaces its directives of the same names; `main` is put outside. */
const configuration = (server: string, main: string): string => `
${main}
error_log /var/log/error.log;
server {
  listen 80 backlog=64;
  root /site;
  access_log /var/log/access.log;
  ${Object.entries(LIMITS)
    .map(([name, value]) => (server.includes(name) ? "" : `${name} ${value};`))
    .join("\n  ")}
  ${server}
  location /listing/ { autoindex on; autoindex_format json; }
  location = /fixed { return 200 "fixed answer"; }
  location = /moved { return 301 /hello.txt; }
  location = /post { allowed_methods GET POST; return 200 "thank you"; }
  location = /gone { return 410; }
}
`;

/** `length` bytes whose period is not a power of two, so that a piece at a wrong offset is noticed. */
export function pattern(length: number, salt = 0): Buffer {
  const bytes = Buffer.allocUnsafe(length);
  for (let i = 0; i < length; i++) bytes[i] = (i * 31 + Math.floor(i / 251) + salt) & 255;
  return bytes;
}

const CONTENT = {
  "/index.html": Buffer.from("<!doctype html><title>simulation</title>\n"),
  "/hello.txt": Buffer.from("hello, world\n"),
  "/empty.txt": Buffer.alloc(0),
  "/style.css": pattern(20_000, 1),
  "/edge.bin": pattern(65_536, 2),
  "/big.bin": pattern(200_000, 3),
  "/folder/index.html": Buffer.from("<!doctype html><title>a folder</title>\n"),
} as const;

const TYPES: Record<string, string> = { html: "text/html", txt: "text/plain", css: "text/css" };

/** Bob's hash. The simulation accepts the password "secret" for it. */
const BCRYPT = `$2y$12$${"a".repeat(53)}`;

/** Writes the site and its configuration to the kernel's disk. */
export function build(kernel: SimulatedKernel, server = "", main = ""): void {
  const { tree } = kernel.files;
  for (const [path, content] of Object.entries(CONTENT)) tree.file(`/site${path}`, content);
  tree.file("/site/secret.txt", "secret", 0o000);
  tree.file("/site/.hidden", "hidden");
  tree.file("/site/listing/a.txt", "a");
  tree.link("/site/linked.txt", "hello.txt");
  tree.link("/site/outside.txt", "/etc/passwd");
  tree.file("/etc/passwd", "root:x:0:0::/root:/bin/sh\n");
  tree.fifo("/site/pipe");
  tree.folder("/site/up");
  tree.folder("/programs");
  tree.file("/etc/webserv/users", `ann:{PLAIN}secret\nbob:${BCRYPT}\n`);
  tree.file("/bin/sh", "a shell", 0o755);
  tree.folder("/var/log");
  tree.folder("/tmp", 0o777);
  tree.file(CONFIG_FILE, configuration(server, main));
}

/** Description of a correct reply. */
export interface Expected {
  readonly status: number;
  /** Other correct statuses. Nothing else is checked for them. */
  readonly or?: readonly number[];
  /** The exact body; undefined: any. For HEAD, the body of GET. */
  readonly body?: Buffer;
  /** Other correct bodies, with different lengths: former contents of a file. */
  readonly bodies?: readonly Buffer[];
  /** Fields by lower-case name: the value, or "*" for any. */
  readonly fields?: Readonly<Record<string, string>>;
  /** The length may be unknown at the beginning: chunks, or in HTTP/1.0 until the end of the connection. */
  readonly streamed?: boolean;
  /** Whether the connection must, must not or may end after it. */
  readonly closes: boolean | "perhaps";
}

export interface Request {
  readonly bytes: Buffer;
  readonly method: string;
  readonly expected: Expected;
  /** A refusal may come before the request is complete. */
  readonly early: boolean;
  /** A 100 (Continue) may come first. */
  readonly continues: boolean;
}

/** The expected fields of a static file's reply. */
export function fileReply(path: keyof typeof CONTENT): Expected {
  const type = TYPES[path.slice(path.lastIndexOf(".") + 1)] ?? "application/octet-stream";
  const fields = { "content-type": type, "last-modified": "*", etag: "*", "accept-ranges": "bytes" };
  return { status: 200, body: CONTENT[path], fields, closes: false };
}

const fixed = (status: number, text?: string): Expected =>
  text === undefined ? { status, closes: false } : { status, body: Buffer.from(text), closes: false };

/** The reply to GET for each target. */
export const SITE: Readonly<Record<string, Expected>> = {
  "/": fileReply("/index.html"),
  "/hello.txt": fileReply("/hello.txt"),
  "/h%65llo.txt?query": fileReply("/hello.txt"),
  "/folder/../hello.txt": fileReply("/hello.txt"),
  "/empty.txt": fileReply("/empty.txt"),
  "/style.css": fileReply("/style.css"),
  "/edge.bin": fileReply("/edge.bin"),
  "/big.bin": fileReply("/big.bin"),
  "/linked.txt": fileReply("/hello.txt"),
  "/folder/": fileReply("/folder/index.html"),
  "/folder?a=b": { status: 301, fields: { location: "*" }, closes: false },
  "/listing/": {
    status: 200,
    fields: { "content-type": "application/json" },
    streamed: true,
    closes: false,
  },
  "/fixed": fixed(200, "fixed answer"),
  "/moved": { status: 301, fields: { location: "*" }, closes: false },
  "/missing": fixed(404),
  "/hello.txt/": fixed(404),
  "/.hidden": fixed(404),
  "/pipe": fixed(404),
  "/secret.txt": fixed(403),
  "/outside.txt": fixed(403),
  "/gone": fixed(410),
};

export const TARGETS = Object.keys(SITE);

interface Form {
  readonly method?: string;
  readonly version?: string;
  readonly fields?: readonly string[];
  readonly body?: Buffer | string;
  readonly early?: boolean;
  readonly continues?: boolean;
}

/** A request and its reply. `expected` assumes that the connection is kept; `Connection: close` in `fields`, or HTTP/1.0, changes that. */
export function request(target: string, expected: Expected, form: Form = {}): Request {
  const { method = "GET", version = "1.1", fields = [], body = "", early = false, continues = false } = form;
  const head = [`${method} ${target} HTTP/${version}`, "Host: simulation", ...fields, "", ""].join("\r\n");
  const keeps = version === "1.1" ? !fields.includes("Connection: close") : fields.includes("Connection: keep-alive");
  return {
    bytes: Buffer.concat([Buffer.from(head, "latin1"), Buffer.from(body as string)]),
    method,
    expected: keeps ? expected : { ...expected, closes: true },
    early,
    continues,
  };
}

/** GET on a target of SITE. */
export const get = (target: string, ...fields: string[]): Request => request(target, SITE[target]!, { fields });

/** POST of `body` to /post. */
export function post(body: Buffer, ...fields: string[]): Request {
  const form = { method: "POST", fields: [`Content-Length: ${body.length}`, ...fields], body };
  return request("/post", { status: 200, body: Buffer.from("thank you"), closes: false }, form);
}

/** A body in chunks of `size` bytes. */
export function inChunks(body: Buffer, size: number): Buffer {
  const chunks: Buffer[] = [];
  for (let at = 0; at < body.length; at += size) {
    const chunk = body.subarray(at, at + size);
    chunks.push(Buffer.from(`${chunk.length.toString(16)}\r\n`), chunk, Buffer.from("\r\n"));
  }
  return Buffer.concat([...chunks, Buffer.from("0\r\n\r\n")]);
}

/** POST of `body` to /post in chunks of `size` bytes. */
export function postChunked(body: Buffer, size: number): Request {
  const form = { method: "POST", fields: ["Transfer-Encoding: chunked"], body: inChunks(body, size) };
  return request("/post", { status: 200, body: Buffer.from("thank you"), closes: false }, form);
}
