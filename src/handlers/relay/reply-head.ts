/** What a relay, the parser of a reply's head and whoever looks at the reply agree on. */
import type { Exchange } from "../../exchange/exchange.ts";
import type { StreamBody } from "../../exchange/reply.ts";
import type { HandlerServices } from "../services.ts";
import type { BufferLimits } from "./reply-buffer.ts";
import type { ReplyHook, ReplyWatcher } from "./watcher.ts";

/** The body of a reply, as the parser of its head sees it. */
export interface RelayedBody extends StreamBody {
  /** Is asked before the reply; null: nobody. */
  readonly hook: ReplyHook | null;
  readonly services: HandlerServices;
  /** Whether the reply is read ahead of its client (X-Accel-Buffering). */
  buffers(on: boolean): void;
  /** The body, if it is short and has come completely: then it is sent as bytes, and this stream is closed. Else null. */
  whole(): Buffer | null;
  /** From now on `watcher` sees the body too. Called before the reply. */
  watch(watcher: ReplyWatcher): void;
}

/** Parses the head of a source's reply, fed in pieces of any size. */
export interface ReplyHead {
  /** Bytes used of bytes[start, end) when the head is complete; 0: it is not complete; -1: malformed, see `reason`. Copies what it needs. */
  feed(bytes: Buffer, start: number, end: number): number;
  readonly reason: string;
  /** Content-Length; -1: not given. */
  readonly contentLength: number;
  /** Replies with `body`, or closes it and replies with something else. */
  reply(exchange: Exchange, body: RelayedBody): void;
}

/** How a reply is passed on. The settings of a family (proxy_, fastcgi_, ...) are such. */
export interface RelaySettings extends BufferLimits {
  /** Whether the reply is read ahead of its client. */
  readonly buffering: boolean;
  /** Most bytes of the head. */
  readonly bufferSize: number;
  /** Bytes per second that are read from the source, with buffering; 0: no limit. */
  readonly limitRate: number;
  /** The request is completed even if its client leaves. */
  readonly ignoreClientAbort: boolean;
}
