/** Requests that carry bodies, as bytes, and looks at the folder they go to. */
import { createHash } from "node:crypto";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";

export interface BodyOptions {
  readonly fields?: Record<string, string>;
  /** In chunks of this many bytes, instead of with a Content-Length. */
  readonly chunk?: number;
}

/** A request with a body; text is Latin-1. */
export function withBody(method: string, path: string, body: string | Uint8Array, options: BodyOptions = {}): Buffer {
  const bytes = typeof body === "string" ? Buffer.from(body, "latin1") : Buffer.from(body);
  return Buffer.concat([
    head(method, path, bytes.length, options),
    options.chunk ? chunked(bytes, options.chunk) : bytes,
  ]);
}

/** The head alone of a request whose body has `length` bytes. */
export function head(method: string, path: string, length: number, options: BodyOptions = {}): Buffer {
  const framing = options.chunk ? { "Transfer-Encoding": "chunked" } : { "Content-Length": String(length) };
  const fields = Object.entries({ Host: "localhost", ...framing, ...options.fields });
  const lines = fields.map(([name, value]) => `${name}: ${value}\r\n`).join("");
  return Buffer.from(`${method} ${path} HTTP/1.1\r\n${lines}\r\n`, "latin1");
}

/** A body in chunks of `size` bytes, with the last one. */
export function chunked(bytes: Buffer, size: number): Buffer {
  const pieces: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += size) {
    const piece = bytes.subarray(at, at + size);
    pieces.push(Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from("\r\n"));
  }
  return Buffer.concat([...pieces, Buffer.from("0\r\n\r\n")]);
}

const BOUNDARY = "----test-boundary";

/** A POST of a form with these files: name as it stands between the quotes, in UTF-8, and content. */
export function form(path: string, files: readonly (readonly [string, string])[], options: BodyOptions = {}): Buffer {
  const parts = files.map(
    ([name, content]) =>
      `--${BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="${name}"\r\n` +
      `Content-Type: application/octet-stream\r\n\r\n${content}\r\n`,
  );
  const fields = { "Content-Type": `multipart/form-data; boundary=${BOUNDARY}`, ...options.fields };
  return withBody("POST", path, Buffer.from(`${parts.join("")}--${BOUNDARY}--\r\n`), { ...options, fields });
}

/** Bytes that differ from place to place and from seed to seed. */
export function bytesOf(seed: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  let state = (seed + 1) * 2654435761;
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    bytes[i] = state >>> 24;
  }
  return bytes;
}

export const digest = (bytes: Uint8Array): string => createHash("sha1").update(bytes).digest("hex");

/** The folder in a store where unfinished files lie. */
export const staging = (store: string): string => join(store, ".webserv");

/** Unfinished files in a store; locks are not counted. */
export function unfinished(store: string): string[] {
  const folder = staging(store);
  return existsSync(folder) ? readdirSync(folder).filter((name) => !name.endsWith(".lock")) : [];
}

/** Every path beneath a folder, folders with a final slash; without the staging folder. */
export function tree(folder: string): string[] {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return entries
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1) + (entry.isDirectory() ? "/" : ""))
    .filter((path) => !path.startsWith(".webserv/"))
    .sort();
}
