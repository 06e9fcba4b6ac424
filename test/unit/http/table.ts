/**
 * Tables of requests that read like the specification: a row is what a client sends and what must become of it. Each row is
 * read whole, byte by byte, and cut in two at every position; the received bytes lie elsewhere in memory each time.
 */
import { expect, test } from "bun:test";
import { BODY_DATA, BODY_DONE, BodyDecoder } from "../../../src/http/body/body.ts";
import { type HeadLimits, RequestParser } from "../../../src/http/request/parser.ts";
import { ASTERISK_FORM, AUTHORITY_FORM, type RequestHead } from "../../../src/http/request/request.ts";
import { normalise } from "../../../src/http/request/target.ts";

export const LIMITS: HeadLimits = { line: 8192, field: 8192, total: 32768, fields: 100 };

/** What became of a request: refused with a status, not complete, or read with these properties. */
export interface Reading {
  readonly outcome: "accepted" | "refused" | "incomplete";
  readonly status?: number;
  readonly reason?: string;
  readonly method?: string;
  readonly methodKnown?: boolean;
  readonly minor?: number;
  readonly form?: number;
  readonly target?: string;
  /** Decoded and normalised. */
  readonly path?: string;
  readonly query?: string | null;
  readonly host?: string;
  readonly authority?: string;
  readonly keepAlive?: boolean;
  readonly contentLength?: number;
  readonly chunked?: boolean;
  readonly expect?: number;
  readonly conditional?: boolean;
  readonly fields?: readonly (readonly [string, string])[];
  readonly body?: string;
  /** Bytes used, head and body. */
  readonly length?: number;
}

export interface Options {
  readonly limits?: HeadLimits;
  readonly maxBodySize?: number;
  /** A parser that has read other requests before. */
  readonly parser?: RequestParser;
}

/** Reads one request of which bytes up to `ends[0]`, then up to `ends[1]`, ... arrive. */
export function read(bytes: Uint8Array, ends: readonly number[], options: Options = {}): Reading {
  const parser = options.parser ?? new RequestParser(options.limits ?? LIMITS);
  parser.reset();
  let step = 0;
  let length = 0;
  while (length === 0) {
    if (step === ends.length) return { outcome: "incomplete" };
    const base = (step * 7) % 11;
    length = parser.feed(moved(bytes, ends[step], base), base, base + ends[step]);
    step++;
  }
  if (length < 0) return { outcome: "refused", status: -length, reason: parser.reason };
  const head = describeHead(parser.head);
  if (head.path === "(refused)") return { outcome: "refused", status: 400, reason: "path" };
  return { ...head, ...readBody(bytes, ends.slice(step - 1), length, parser.head, options.maxBodySize ?? 0) };
}

/** The first `end` bytes as they would lie at `base` of some other buffer, with rubbish around them. */
function moved(bytes: Uint8Array, end: number, base: number): Buffer {
  const buffer = Buffer.alloc(base + end + 3, "?");
  buffer.set(bytes.subarray(0, end), base);
  return buffer;
}

function describeHead(head: RequestHead): Reading {
  return {
    outcome: "accepted",
    method: head.method,
    methodKnown: head.methodKnown,
    minor: head.minor,
    form: head.form,
    target: head.target(),
    path: pathOf(head),
    query: head.hasQuery ? head.query() : null,
    host: head.host(),
    authority: head.authority(),
    keepAlive: head.keepAlive,
    contentLength: head.contentLength,
    chunked: head.chunked,
    expect: head.expect,
    conditional: head.conditional,
    fields: Array.from({ length: head.fieldCount }, (_, i) => [head.fieldName(i), head.fieldValue(i)] as const),
  };
}

function pathOf(head: RequestHead): string {
  if (head.form === ASTERISK_FORM || head.form === AUTHORITY_FORM) return "";
  const start = head.base + head.pathStart;
  const end = head.base + head.pathEnd;
  const path = normalise(head.bytes, start, end) ?? "(refused)";
  if (head.plainPath) expect(path).toBe(head.bytes.latin1Slice(start, end));
  return path;
}

function readBody(
  bytes: Uint8Array,
  ends: readonly number[],
  from: number,
  head: RequestHead,
  maxSize: number,
): Reading {
  const decoder = new BodyDecoder();
  const pieces: Uint8Array[] = [];
  let status = decoder.reset(head.chunked, head.contentLength, maxSize);
  let at = from;
  for (const end of ends) {
    if (status < 0) break;
    while ((status = decoder.next(bytes, at, end)) === BODY_DATA) {
      const taken = Math.ceil((decoder.dataEnd - decoder.dataStart) / 2);
      pieces.push(bytes.subarray(decoder.dataStart, decoder.dataStart + taken));
      decoder.take(taken);
      at = decoder.position;
    }
    at = decoder.position;
    if (status === BODY_DONE) return { outcome: "accepted", body: Buffer.concat(pieces).latin1Slice(), length: at };
  }
  return status < 0 ? { outcome: "refused", status: -status, reason: decoder.reason } : { outcome: "incomplete" };
}

/** Reads `text` (latin1) in every way of arriving, makes sure that all agree, and gives what they agree on. */
export function readEveryWay(text: string, options: Options = {}): Reading {
  const bytes = Buffer.from(text, "latin1");
  const whole = read(bytes, [bytes.length], options);
  const single = Array.from(bytes, (_, i) => i + 1);
  expect(read(bytes, single, options)).toEqual(whole);
  for (let cut = 1; cut < bytes.length; cut++) expect(read(bytes, [cut, bytes.length], options)).toEqual(whole);
  return whole;
}

/** A row: `text` is a request with at least these properties. */
export function accepts(
  text: string,
  expected: Reading | Omit<Reading, "outcome">,
  name: string,
  options: Options = {},
): void {
  test(name, () => {
    const reading = readEveryWay(text, options);
    expect(reading).toMatchObject({ ...expected, outcome: "accepted" } as Reading);
  });
}

/** A row: `text` is refused with `status`. */
export function refuses(text: string, status: number, name: string, options: Options = {}): void {
  test(name, () => {
    const { outcome, status: given } = readEveryWay(text, options);
    expect([outcome, given]).toEqual(["refused", status]);
  });
}

/** A row: more must come before anything can be said about `text`. */
export function incomplete(text: string, name: string, options: Options = {}): void {
  test(name, () => expect(readEveryWay(text, options).outcome).toBe("incomplete"));
}

/** A GET with these field lines behind its Host; each without its CRLF. */
export function get(...lines: string[]): string {
  return `${["GET / HTTP/1.1", "Host: a", ...lines].join("\r\n")}\r\n\r\n`;
}

/** A POST with a chunked body as written. */
export function chunked(body: string): string {
  return `POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${body}`;
}
