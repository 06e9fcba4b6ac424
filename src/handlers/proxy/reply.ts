/** The head of a server's reply, as a relay wants it. */
import type { Exchange } from "../../exchange/exchange.ts";
import type { Field, StreamBody } from "../../exchange/reply.ts";
import type { ResponseReader } from "../../http/response/reader.ts";
import type { ReplyHead } from "../relay/reply-head.ts";
import type { PassedFields } from "./passed-fields.ts";

export class HttpReply implements ReplyHead {
  readonly reason = "";
  /** Bytes of heads that `feed` has seen. */
  private seen = 0;

  /** @param reader has read at least as much as `feed` is given */
  constructor(
    private readonly reader: ResponseReader,
    private readonly passed: PassedFields,
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
    return this.reader.upgraded ? this.passed.ofUpgrade(exchange, this.reader.head.fields) : null;
  }

  reply(exchange: Exchange, body: StreamBody): void {
    const { head } = this.reader;
    const fields = this.passed.of(exchange, head.fields);
    const isWithoutBody = head.bodiless || this.headOnly;
    if (!isWithoutBody) return exchange.reply(head.status, fields, body);
    body.close();
    // `proxy_method HEAD` for another method: a length would promise a body.
    const length = exchange.method === "HEAD" || head.bodiless ? head.contentLength : 0;
    exchange.reply(head.status, fields, null, { length });
  }
}
