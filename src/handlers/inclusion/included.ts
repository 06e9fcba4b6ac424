/** The reply to a request that is included in another's: waited for, then read; converted to the charset of the page. */
import { ERRNO, errnoText } from "../../../ffi/errno.ts";
import type { Block } from "../../../ffi/memory.ts";
import type { Exchange } from "../../exchange/exchange.ts";
import type { Page } from "../../exchange/page.ts";
import { discard, type ReplyBody } from "../../exchange/reply.ts";
import { evaluateOctets } from "../../exchange/templates.ts";
import { recodingBetween } from "../../http/charset/recoding.ts";
import { valueIn } from "../compression/fields.ts";
import { type Source, sourceOf } from "../compression/sources.ts";
import type { SharedServices } from "../services.ts";
import type { IncludedRequest, Includer } from "../subrequest/subrequest.ts";
import { charsetIn } from "../transform/media-type.ts";
import { recoder } from "../transform/recode.ts";
import { TransformedStream } from "../transform/transformed.ts";

/** An included request's path and arguments. */
interface Target {
  /** Decoded, starts with "/". */
  readonly path: string;
  /** Octets. */
  readonly query: string;
}

export class Included implements Source, Includer {
  /** Status of the reply; 0: it is not there yet. */
  status = 0;
  /** The reply is an error of this server, and not another's. */
  hasFailed = false;
  private request: IncludedRequest | null = null;
  private body: Source | null = null;
  private ended = false;

  /** @param exchange the request whose reply includes it */
  constructor(
    private readonly exchange: Exchange,
    private readonly page: Page,
    private readonly services: SharedServices,
    private readonly target: Target,
  ) {}

  start(): this {
    const { path, query } = this.target;
    this.request = this.services.subrequests.include(this.exchange, path, query, this);
    return this;
  }

  // Includer

  onReply(reply: Exchange, body: ReplyBody): void {
    this.status = reply.status;
    this.hasFailed = reply.status >= 300 && (reply.upstream === null || reply.upstream.reply === null);
    if (this.ended) return discard(body); // nobody waits any more
    if (body === null) this.ended = true;
    else this.body = this.converted(reply, sourceOf(body, this.services.kernel));
    this.onMore();
  }

  onMore(): void {
    if (this.request !== null) this.exchange.resume();
  }

  /** As nginx: from the charset that the reply names, or its location's `source_charset`. */
  private converted(reply: Exchange, source: Source): Source {
    const to = this.page.charset?.toLowerCase();
    const from = this.charsetOf(reply)?.toLowerCase();
    if (to === undefined || from === undefined || from === to) return source;
    const recoding = recodingBetween(from, to, reply.settings.charsetMaps);
    if (recoding === null) return source;
    return new TransformedStream(source, recoder(recoding), -1, this.services.buffers, () => this.exchange.resume());
  }

  private charsetOf(reply: Exchange): string | null {
    const { sourceCharset } = reply.settings;
    const named = charsetIn(valueIn(reply.sentFields, "content-type") ?? "");
    return named ?? (sourceCharset === null ? null : evaluateOctets(sourceCharset, reply) || null);
  }

  // Source

  /** As StreamBody.read; what breaks off ends there, as in nginx. */
  read(block: Block, offset: number, length: number): number {
    if (this.ended) {
      this.finish();
      return 0;
    }
    const n = this.body === null ? -ERRNO.EAGAIN : this.body.read(block, offset, length);
    if (n > 0 || n === -ERRNO.EAGAIN) return n;
    if (n < 0) this.exchange.log("error", `"${this.target.path}" was included in part (${errnoText(n)})`);
    this.finish();
    return 0;
  }

  readAhead(): void {
    this.body?.readAhead?.();
  }

  private finish(): void {
    const { request, body } = this;
    this.ended = true;
    this.request = this.body = null;
    body?.close();
    request?.finish();
  }

  /** It is not wanted any more. */
  close(): void {
    const { request, body } = this;
    this.ended = true;
    this.request = this.body = null;
    request?.abort();
    body?.close();
  }
}
