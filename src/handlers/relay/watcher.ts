/** What a relay shows of its reply to others: a cache, a store. */
import type { Block } from "../../../ffi/memory.ts";
import type { Exchange } from "../../exchange/exchange.ts";

/** Sees the body of one reply as its source gives it, decoded and before compression. */
export interface ReplyWatcher {
  /** The reply is to be read to its end even if its client leaves. */
  readonly wantsAll: boolean;
  /** The next piece, block[start, end), which is valid during the call. */
  onBody(block: Block, start: number, end: number): void;
  /** The body has ended. `whole`: it is complete; else it was broken off, or nobody reads it any more. Called once. */
  onEnd(whole: boolean): void;
}

/** Is asked where a request gets no reply from its source. */
export interface FailureWatcher {
  /** The source has failed; the client is to get `status` (502, 503, 504). True: it was answered in another way. */
  onFailure(exchange: Exchange, status: number): boolean;
}
