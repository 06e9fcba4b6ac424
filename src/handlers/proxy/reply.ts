/** The head of a server's reply, as a relay wants it. */
import type { Exchange } from "../../exchange/exchange.ts";
import type { Field } from "../../exchange/reply.ts";
import type { ResponseReader } from "../../http/response/reader.ts";
import type { UpstreamReplies } from "../relay/reply/upstream-head.ts";
import type { RelayedBody, ReplyHead } from "../relay/reply-head.ts";
import type { UpstreamHead } from "../relay/watcher.ts";

export class HttpReply implements ReplyHead {
  readonly reason = "";
  /** Bytes of heads that `feed` has seen. */
  private seen = 0;

  /** @param reader has read at least as much as `feed` is given */
  constructor(
    private readonly reader: ResponseReader,
    private readonly replies: UpstreamReplies,
    private readonly headOnly: boolean,
  ) {}

  get contentLength(): number {
    return this.reader.contentLength;
  }

  /** The reader has parsed these bytes already, and left the heads in the payload. This only counts them. */
  feed(_bytes: Buffer, start: number, end: number): number {
    const before = this.seen;
    this.seen += end - start;
    const { headLength } = this.reader;
    return headLength > 0 && this.seen >= headLength ? headLength - before : 0;
  }

  /** The fields of a 101; null: the reply is another. */
  upgrade(exchange: Exchange): readonly Field[] | null {
    return this.reader.upgraded ? this.replies.ofUpgrade(exchange, this.received(exchange)) : null;
  }

  reply(exchange: Exchange, body: RelayedBody): void {
    this.replies.reply(exchange, this.received(exchange), body);
  }

  private received(exchange: Exchange): UpstreamHead {
    const { status, fields, contentLength, bodiless } = this.reader.head;
    // `proxy_method HEAD` for another method: a length would promise a body.
    const isPromise = this.headOnly && !bodiless && exchange.method !== "HEAD";
    return { status, fields, contentLength: isPromise ? 0 : contentLength, hasBody: !bodiless && !this.headOnly };
  }
}
