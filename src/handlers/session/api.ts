/** `session_api`: scripts of a page read and change their visitor's session. GET the data, POST a merge patch, DELETE the session. */
import type { Block } from "../../../ffi/memory.ts";
import type { Exchange } from "../../exchange/exchange.ts";
import type { BodySink, Handler } from "../../exchange/handler.ts";
import type { Field } from "../../exchange/reply.ts";
import { parameterised } from "../../http/parameters.ts";
import type { SessionStore } from "./store.ts";
import { openSession } from "./visitor.ts";

/** Most bytes of a patch. It may be longer than the data it results in, because of deletions and white space. */
const MOST_PATCH = 64 * 1024;
/** RFC 7396 §4, and what scripts send by default. HTML forms cannot send these types, so another site's form cannot be a patch. */
const TYPES = ["application/merge-patch+json", "application/json"];

const NO_STORE: Field = ["Cache-Control", "no-store"];

export class SessionApiHandler implements Handler {
  constructor(private readonly store: SessionStore) {}

  sink(exchange: Exchange): BodySink | undefined {
    if (exchange.method !== "POST") return undefined;
    const refusal = refusePatch(exchange);
    if (refusal === 0) return new PatchSink(exchange, (bytes) => this.change(exchange, bytes));
    fail(exchange, refusal);
    return undefined;
  }

  handle(exchange: Exchange): void {
    if (exchange.method === "GET" || exchange.method === "HEAD") this.show(exchange);
    else if (exchange.method === "DELETE") this.end(exchange);
    else if (exchange.method !== "POST") fail(exchange, 405);
    else fail(exchange, refusePatch(exchange) || 400); // a POST that gets here has no body
  }

  private show(exchange: Exchange): void {
    const { data } = openSession(exchange, this.store);
    exchange.reply(200, [["Content-Type", "application/json"], NO_STORE], Buffer.from(data));
  }

  private end(exchange: Exchange): void {
    openSession(exchange, this.store).end();
    exchange.reply(204, [NO_STORE], null);
  }

  private change(exchange: Exchange, bytes: Buffer): void {
    const text = utf8(bytes);
    const status = text === null ? 400 : openSession(exchange, this.store).patch(text);
    if (status === 0) this.show(exchange);
    else fail(exchange, status);
  }
}

/** The status that refuses a patch before its body is read; 0: accepted. */
function refusePatch({ request }: Exchange): 0 | 413 | 415 {
  const type = parameterised(request.field("content-type") ?? "");
  if (type === null || !TYPES.includes(type.value)) return 415;
  return request.contentLength > MOST_PATCH ? 413 : 0;
}

function fail(exchange: Exchange, status: number): void {
  if (status === 415)
    exchange.fail(status, [["Accept", TYPES.join(", ")]]); // RFC 9110 §15.5.16
  else if (status === 405) exchange.fail(status, [["Allow", "GET, HEAD, POST, DELETE, OPTIONS"]]);
  else exchange.fail(status);
}

/** Decodes UTF-8; null: the bytes are not UTF-8. */
function utf8(bytes: Buffer): string | null {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return null;
  }
}

/** Collects a patch in one buffer. A Buffer for each received piece could take more memory than its content. */
class PatchSink implements BodySink {
  private bytes = Buffer.alloc(0);
  private length = 0;

  constructor(
    private readonly exchange: Exchange,
    private readonly done: (bytes: Buffer) => void,
  ) {}

  accept(block: Block, start: number, end: number): number {
    const length = this.length + end - start;
    if (length > MOST_PATCH) this.exchange.fail(413);
    else {
      if (length > this.bytes.length) this.grow(length);
      block.bytes.copy(this.bytes, this.length, start, end);
      this.length = length;
    }
    return end - start;
  }

  private grow(least: number): void {
    const grown = Buffer.alloc(Math.min(Math.max(least, 2 * this.bytes.length), MOST_PATCH));
    this.bytes.copy(grown);
    this.bytes = grown;
  }

  end(): void {
    this.done(this.bytes.subarray(0, this.length));
  }

  abort(): void {}
}
