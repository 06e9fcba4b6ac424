/** Filters: they change a handler's reply before the connection frames it. */
import type { Exchange } from "./exchange.ts";
import type { Encoded, Field, ReplyBody, ReplyOptions } from "./reply.ts";

/** A reply that filters change in place. */
export interface ReplyDraft {
  readonly status: number;
  /** All fields except those about connection and framing; Server and Date are included. */
  fields: Field[];
  body: ReplyBody;
  /** Content-Length for a reply without its body; -1: leave it out. undefined: the length of the body. */
  length: number | undefined;
  /** The reply will be cached, so the whole body is needed at once. */
  readonly kept: boolean;
  readonly options: ReplyOptions | undefined;
  /** The coding of the body and its sizes; null: no compression was involved. */
  encoded: Encoded | null;
}

/** Changes the fields, then the body. Each location has its list of filters, which every reply passes in order. */
export type Filter = (draft: ReplyDraft, exchange: Exchange) => void;
