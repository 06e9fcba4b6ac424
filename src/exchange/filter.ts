/** What stands between a handler's reply and the connection that frames it. */
import type { Exchange } from "./exchange.ts";
import type { Encoded, Field, ReplyBody, ReplyOptions } from "./reply.ts";

/** A reply on its way through the filters, which change it in place. */
export interface ReplyDraft {
  readonly status: number;
  /** All fields but those about the connection and the framing, Server and Date included. */
  fields: Field[];
  body: ReplyBody;
  /** What Content-Length is to say where the body is not at hand; -1: nothing. undefined: the body knows. */
  length: number | undefined;
  /** The reply is made to be kept, so it needs its body whole, now. */
  readonly kept: boolean;
  readonly options: ReplyOptions | undefined;
  /** What compression made of the body; null: nothing. */
  encoded: Encoded | null;
}

/** Changes the fields, then the body. A location's filters are made once, and each reply goes through them in order. */
export type Filter = (draft: ReplyDraft, exchange: Exchange) => void;
