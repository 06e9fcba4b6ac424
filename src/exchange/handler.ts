/**
 * The contract between the server and what answers requests. A handler decides what a request gets; the server owns the
 * client, and neither sees the other's descriptors. The server calls `sink` when the head is accepted and a body
 * is announced, feeds it, and calls `handle` when the whole request has arrived.
 */
import type { Block } from "../../ffi/memory.ts";
import type { Exchange } from "./exchange.ts";
import type { Field } from "./reply.ts";

/** Answers one request. */
export interface Answer {
  /** Where the request's body goes. Absent, or undefined for this request: read and discarded. */
  sink?(exchange: Exchange): BodySink | undefined;
  /** The request is here, whole. Ends with exactly one of the Exchange's replying calls, now or later. */
  handle(exchange: Exchange): void;
}

/** A handler that claims a request has redirected it inside the server, or answered it: nobody else is asked. */
export const MOVED: Answer = { handle() {} };

/** One of the handlers of a location, of which the first that claims a request answers it. */
export interface Handler extends Answer {
  /** The server begins to listen: the place for what must be done once, before the first request. */
  start?(): void;
  /** Fields that the reply to OPTIONS has here besides Allow. */
  optionsFields?(exchange: Exchange): readonly Field[];
  /**
   * Who answers a request, asked before its body is read: itself, or an object made for this request; null: it is not for this
   * handler, and the next is asked; MOVED. Absent: it answers every request. The method is judged afterwards.
   */
  claim?(exchange: Exchange): Answer | null;
  /** Called every minute or so while the server has nothing better to do: gives up what was not used for long. */
  sweep?(): void;
  /** The location ends (stop, reload): gives back every descriptor. Replies under way keep theirs. */
  close?(): void;
}

/** Takes a request's body piece by piece. */
export interface BodySink {
  /** It replies by itself, at any time, and `handle` is not called. What it replies before the body's end does not end the body (CGI). */
  readonly answers?: boolean;
  /** Where in the body the file begins that is coming, in bytes: reading then stops where pages of the file end. 0 where it is the body. */
  readonly fileStart?: number;
  /**
   * Takes block[start, end); gives how many bytes it took. Fewer than offered: it calls `exchange.resume()` when it wants more.
   * A sink that can't go on replies (`exchange.fail`) and gives anything; then it is aborted, and the rest of the body is discarded.
   */
  accept(block: Block, start: number, end: number): number;
  /** The body is complete. It may reply; if it does not, the server then calls the handler's `handle`. */
  end(): void;
  /** The body will never be complete: the client left, was too slow, sent nonsense, or the reply came first. */
  abort(): void;
}
