/**
 * A reply made once and sent many times: small files, and repeated redirects, 304 and 404. This keeps requests cheap: sending it
 * is one send(2) of memory that exists already.
 */
import type { Settings } from "../../config/model.ts";
import type { Template } from "../../config/parts.ts";
import type { Expires } from "../../config/settings/expires.ts";
import type { Exchange, Templates } from "../../exchange/exchange.ts";
import type { Encoded, Field, ReplyBody, ReplyOptions, WholeReply } from "../../exchange/reply.ts";
import { bodyChanges } from "../transform/changes.ts";

/** How often the fields that a location adds (`add_header`, `expires`) change. */
export type Changes = "never" | "each second" | "each request";

/** How often a location's replies change, bodies included. */
export const replyChanges = (settings: Settings, templates: Templates): Changes =>
  bodyChanges(settings) === null && !settings.gunzip ? headChanges(settings, templates) : "each request";

/** How often the head of a location's replies changes; "each request": they cannot be kept. What depends on the reply's own media type alone does not change. */
export function headChanges(settings: Settings, templates: Templates): Changes {
  const { charset, expires } = settings;
  const varies = (value: Template | null) => value !== null && value.constant === null && !templates.isOfReply(value);
  if (settings.addTrailers.length > 0 || varies(charset)) return "each request";
  if (settings.userid === "on" || settings.userid === "v1") return "each request";
  if (settings.uploadCors !== null) return "each request"; // depends on the request's Origin
  if (settings.addHeaders.some(({ value }) => varies(value))) return "each request";
  if (expires?.kind === "variable" && varies(expires.value)) return "each request";
  return expires === null || KEPT_EXPIRES.includes(expires.kind) ? "never" : "each second";
}

/** What `expires` says once for all. */
const KEPT_EXPIRES: readonly Expires["kind"][] = ["off", "epoch", "max"];

/** A body that was not compressed. */
export const AS_IT_IS: Encoded = { coding: null, bytesIn: 0, bytesOut: 0 };

/** A kept reply with its bytes. Callers check `exchange.takesWholeReply` first. */
export class KeptReply {
  private whole: WholeReply;

  /**
   * Made by the first request that needs it.
   * @param body is copied; null: none
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

  /** The body, inside the reply's memory; it never changes. */
  get body(): Buffer {
    return this.whole.block.bytes.subarray(this.whole.headLength, this.whole.length);
  }

  /** @param rest the body, if the kept reply has none */
  send(exchange: Exchange, rest: ReplyBody = null): void {
    if (this.whole.dateSecond !== exchange.services.clock.second) this.refresh(exchange);
    exchange.replyWhole(this.whole, rest);
  }

  /** Updates the Date; makes the reply anew if its bytes are queued to a client, because those must not change. */
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

  /** The same reply with new fields; the compressed body is reused. */
  private again(exchange: Exchange): WholeReply {
    const encoded = this.whole.encoded ?? AS_IT_IS;
    return exchange.wholeReply(this.status, this.fields, this.body, { ...this.options, encoded });
  }
}
