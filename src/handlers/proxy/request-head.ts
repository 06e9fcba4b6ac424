/**
 * The head of the request that a location sends to its server, byte for byte as nginx makes it: the request line, the fields that
 * are set, then the client's. What does not depend on the request is put together once.
 */
import type { Settings } from "../../config/model.ts";
import type { Evaluator, Exchange, Templates } from "../../exchange/exchange.ts";
import { CONDITIONS } from "../../exchange/upstream.ts";
import { CR, classOf, SP, skipClass } from "../../http/bytes.ts";
import { isToken } from "../../http/headers.ts";
import { percentEncoded } from "../../http/octets.ts";
import type { RequestHead } from "../../http/request/request.ts";
import { NamedFields } from "./named-fields.ts";
import { CONFIRMATION, FieldLines, setFields, type Value } from "./set-fields.ts";
import { uriMaker } from "./uri.ts";

/** Fields of the client that are for this server alone. */
const NOT_PASSED = ["TE", "Keep-Alive", "Expect", "Upgrade"];

/**
 * As nginx (ignore_invalid_headers, underscores_in_headers off): a field with another character is not passed. Programs read
 * X_Forwarded_For as X-Forwarded-For, so a client could set what only this server may.
 */
const NAME = classOf("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-");

/** A request head, and what follows from it. */
interface MadeHead {
  /** With the body, if `proxy_set_body` gives it. */
  readonly bytes: Buffer;
  readonly method: string;
  /** The server may keep the connection after its reply. */
  readonly keepsAlive: boolean;
}

/** Heads are written one behind the other into the same memory, because small Buffers of their own would cost a malloc each. */
const SCRATCH = 32 * 1024;
let scratch = Buffer.allocUnsafeSlow(SCRATCH);
let used = 0;

/** Other memory, for a head of at most `length` bytes. The heads in the old one keep it. */
function renew(length: number): void {
  scratch = Buffer.allocUnsafeSlow(Math.max(SCRATCH, length));
  used = 0;
}

export class RequestHeads {
  private readonly uri: (exchange: Exchange) => string;
  private readonly method: Evaluator | null;
  private readonly lines: FieldLines;
  /** Connection where it has variables; else whether the server may keep the connection. */
  private readonly connection: boolean | Value;
  /** `proxy_set_body`. */
  private readonly body: Evaluator | null;
  /** The client's fields of these names are not passed; null: none is. */
  private readonly replaced: NamedFields | null;
  /** The same for a request whose reply a cache may store. */
  private readonly replacedForCache: NamedFields | null;
  private readonly lineEnd: string;
  private readonly isHttp11: boolean;

  /** @param cached whether the location has a cache */
  constructor(settings: Settings, templates: Templates, cached: boolean) {
    const { method, setBody, httpVersion } = settings.proxyOnly;
    const fields = setFields(settings, templates);
    const names = [...fields.filter((field) => !CONFIRMATION.includes(field)).map(({ name }) => name), ...NOT_PASSED];
    this.uri = uriMaker(settings.pass!);
    this.method = method === null ? null : templates.evaluator(method);
    this.body = setBody === null ? null : templates.evaluator(setBody);
    this.lines = new FieldLines(fields);
    const { passRequestHeaders } = settings.proxy;
    this.replaced = passRequestHeaders ? new NamedFields(names) : null;
    this.replacedForCache = passRequestHeaders && cached ? new NamedFields([...names, ...CONDITIONS]) : this.replaced;
    this.isHttp11 = httpVersion === "1.1";
    const connection = fields.find(({ name }) => name.toLowerCase() === "connection")!.value;
    this.connection = typeof connection === "string" ? this.isKept(connection) : connection;
    this.lineEnd = ` HTTP/${httpVersion}\r\n`;
  }

  /** @param length bytes of the body that follows; or CHUNKED, NO_BODY */
  make(exchange: Exchange, length: number): MadeHead {
    const body = this.body?.(exchange);
    const framing = body?.length ?? length;
    const method = this.methodOf(exchange);
    const start = `${method} ${safe(this.uri(exchange))}${this.lineEnd}${this.lines.text(exchange, framing)}`;
    const replaced = exchange.upstream?.fetch?.asksForAll ? this.replacedForCache : this.replaced;
    const bytes = this.write(start, exchange.request, `\r\n${body ?? ""}`, replaced);
    return { bytes, method, keepsAlive: this.keepsAlive(exchange, framing) };
  }

  private methodOf(exchange: Exchange): string {
    const method = this.method?.(exchange) ?? "";
    if (isToken(method)) return method;
    return exchange.method === "HEAD" && exchange.upstream?.fetch?.convertsHead ? "GET" : exchange.method;
  }

  private write(start: string, request: RequestHead, end: string, replaced: NamedFields | null): Buffer {
    const most = start.length + end.length + request.length + 2 * request.fieldCount;
    if (scratch.length - used < most) renew(most);
    const from = used;
    let at = from + scratch.latin1Write(start, from);
    if (replaced !== null) at = copyFields(request, replaced, at);
    at += scratch.latin1Write(end, at);
    used = at;
    return scratch.subarray(from, at);
  }

  /** HTTP/1.1 keeps a connection unless Connection says `close`; 1.0 does not unless it says `keep-alive` (RFC 9112 §9.3). */
  private keepsAlive(exchange: Exchange, framing: number): boolean {
    const { connection } = this;
    return typeof connection === "boolean" ? connection : this.isKept(connection(exchange, framing));
  }

  private isKept(options: string): boolean {
    return this.isHttp11 ? !/\bclose\b/i.test(options) : /\bkeep-alive\b/i.test(options);
  }
}

/** Copies the client's fields into `scratch`, from `to` on, except those `replaced`. Gives the end. Lines that follow each other are copied together. */
function copyFields({ bytes, base, fieldCount, offsets }: RequestHead, replaced: NamedFields, to: number): number {
  let at = to;
  let run = 0;
  let runEnd = 0;
  for (let i = 0; i < 4 * fieldCount; i += 4) {
    const name = base + offsets[i]!;
    const nameEnd = base + offsets[i + 1]!;
    if (skipClass(NAME, bytes, name, nameEnd) < nameEnd || replaced.has(bytes, name, nameEnd)) continue;
    const value = base + offsets[i + 2]!;
    const valueEnd = base + offsets[i + 3]!;
    const isPlain = value === nameEnd + 2 && bytes[value - 1] === SP && bytes[valueEnd] === CR;
    if (!isPlain || runEnd !== name) {
      at += bytes.copy(scratch, at, run, runEnd);
      run = name;
    }
    runEnd = valueEnd + 2;
    if (isPlain) continue;
    at += scratch.latin1Write(`${bytes.latin1Slice(name, nameEnd)}: ${bytes.latin1Slice(value, valueEnd)}\r\n`, at);
    run = runEnd = 0;
  }
  return at + bytes.copy(scratch, at, run, runEnd);
}

/** A URI of variables can contain anything that a client has encoded in its path; what would end the request line is encoded again. */
function safe(uri: string): string {
  return /[\x00-\x20\x7f]/.test(uri) ? uri.replace(/[\x00-\x20\x7f]/g, percentEncoded) : uri;
}
