/**
 * A reply made once and sent many times: small files, and the redirects, 304 and 404 that repeat. This is what makes
 * a request cheap: a fresh one is one `send` of memory that is already there.
 */
import type { Settings } from "../../config/model.ts";
import type { AddHeader } from "../../config/parts.ts";
import type { Exchange } from "../../exchange/exchange.ts";
import type { Encoded, Field, ReplyBody, ReplyOptions, WholeReply } from "../../exchange/reply.ts";

/** How the fields that a location adds (`add_header`, `expires`) change from request to request. */
export type Changes = "never" | "each second" | "each request";

/** Whether a location's replies may be kept, and how long their head stays true. */
export function headChanges(settings: Settings): Changes {
  const varies = (header: AddHeader) => header.value.constant === null;
  if (settings.uploadCors !== null) return "each request"; // the fields depend on the request's Origin
  if (settings.addHeaders.some(varies)) return "each request";
  const kind = settings.expires?.kind;
  return kind === "in" || kind === "at" || kind === "modified" ? "each second" : "never";
}

/** A body that went through no coding. */
export const AS_IT_IS: Encoded = { coding: null, bytesIn: 0, bytesOut: 0 };

/** One reply with its bytes. Its user asks `exchange.takesWholeReply` first. */
export class KeptReply {
  private whole: WholeReply;

  /**
   * Made by the first request that wants it.
   * @param body copied; null: none
   */
  constructor(
    exchange: Exchange,
    private readonly status: number,
    private readonly fields: readonly Field[],
    body: Buffer | null,
    private readonly changes: Changes,
    private readonly options?: ReplyOptions,
  ) {
    this.whole = exchange.wholeReply(status, fields, body, options);
  }

  /** The body, in the memory of the reply; it never changes. */
  get body(): Buffer {
    return this.whole.block.bytes.subarray(this.whole.headLength, this.whole.length);
  }

  /** @param rest what follows the kept bytes */
  send(exchange: Exchange, rest: ReplyBody = null): void {
    if (this.whole.dateSecond !== exchange.services.clock.second) this.refresh(exchange);
    exchange.replyWhole(this.whole, rest);
  }

  /** Bytes that are queued to a client do not change: then the reply is made anew. */
  private refresh(exchange: Exchange): void {
    const { whole } = this;
    const { clock } = exchange.services;
    if (whole.holders > 0 || this.changes !== "never") {
      this.whole = this.again(exchange);
      return;
    }
    whole.block.bytes.latin1Write(clock.date, whole.dateOffset);
    whole.dateSecond = clock.second;
  }

  /** The same, with new fields; what compression made of the body stays as it is. */
  private again(exchange: Exchange): WholeReply {
    const encoded = this.whole.encoded ?? AS_IT_IS;
    return exchange.wholeReply(this.status, this.fields, this.body, { ...this.options, encoded });
  }
}
