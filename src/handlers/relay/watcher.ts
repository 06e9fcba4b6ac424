/** How others take part in a reply that a relay passes on: a cache, a store. */
import type { Block } from "../../../ffi/memory.ts";
import type { Exchange } from "../../exchange/exchange.ts";
import type { Field } from "../../exchange/reply.ts";

/** The head of a reply, as its source sent it. */
export interface UpstreamHead {
  readonly status: number;
  /** All fields in order, also those of the connection and its framing, which clients do not get. */
  readonly fields: readonly Field[];
  /** Content-Length; -1: not given. If there is no body: what the client is told. */
  readonly contentLength: number;
  /** Whether a body follows. */
  readonly hasBody: boolean;
}

/** Sees the body of one reply as its source gives it, decoded and before compression. */
export interface ReplyWatcher {
  /** The reply is to be read to its end even if its client leaves. */
  readonly wantsAll: boolean;
  /** The next piece, block[start, end), which is valid during the call. */
  onBody(block: Block, start: number, end: number): void;
  /** The body has ended. `whole`: it is complete; else it was broken off, or nobody reads it any more. Called once. */
  onEnd(whole: boolean): void;
}

/** Is asked when the source of a request's reply has replied or failed. */
export interface ReplyHook {
  /** The head has come. A watcher of the body; null: none; a function: it answers the request in another way, and the reply is not wanted. */
  onHead(exchange: Exchange, head: UpstreamHead): ReplyWatcher | null | (() => void);
  /** The source has failed, and the client is to get `status` (502, 503, 504). True: the request was answered in another way. */
  onFailure(exchange: Exchange, status: number): boolean;
  /** There is nothing for the hook: the client has left before there was a reply, or the connection has become a tunnel. */
  onAbandoned(): void;
}
