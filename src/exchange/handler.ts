/**
 * The contract between the server and the handlers that answer requests. A handler decides the reply; the server owns the
 * connection. Neither sees the other's descriptors. The server calls `sink` when the head has been accepted and a body is
 * announced, feeds it the body, and calls `handle` when the whole request has arrived.
 */
import type { Block } from "../../ffi/memory.ts";
import type { Exchange } from "./exchange.ts";
import type { Field } from "./reply.ts";

/** Answers one request. */
export interface Answer {
  /** The sink for the request's body. Absent or undefined: the body is read and discarded. */
  sink?(exchange: Exchange): BodySink | undefined;
  /** Called when the whole request has arrived. It must reply exactly once through the Exchange, now or later. */
  handle(exchange: Exchange): void;
}

/** Result of `claim`: the handler has redirected the request internally or answered it, so no other handler is tried. */
export const MOVED: Answer = { handle() {} };

/** One of the handlers of a location. The first one that claims a request answers it. */
export interface Handler extends Answer {
  /** Called when the server begins to listen, for what must be done before the first request. */
  start?(): void;
  /** Fields that the reply to OPTIONS gets here besides Allow. */
  optionsFields?(exchange: Exchange): readonly Field[];
  /**
   * Chooses who answers a request, before its body is read: this handler, or an object made for this request; null: not this
   * handler, so the next one is tried; or MOVED. Absent: it answers every request. The method is checked afterwards.
   */
  claim?(exchange: Exchange): Answer | null;
  /** Called about once a minute while the server is idle: releases what has not been used for long. */
  sweep?(): void;
  /** Called when the location is discarded (stop, reload): closes every descriptor, except those of replies in progress. */
  close?(): void;
}

/** Receives a request's body piece by piece. */
export interface BodySink {
  /** It replies by itself, at any time, and `handle` is not called. A reply before the body's end does not end the body (CGI). */
  readonly answers?: boolean;
  /** It takes whatever it is given, so the body is read in large pieces. By default what does not answer does. */
  readonly takesAll?: boolean;
  /** Offset in the request body at which the next file starts. Reading then stops at page boundaries of that file. 0 if the body is the file. */
  readonly fileStart?: number;
  /**
   * Receives block[start, end) and gives the number of bytes taken. If it takes fewer, it calls `exchange.resume()` when it can take
   * more. A sink that fails replies with `exchange.fail`; its result is then ignored, it is aborted, and the rest of the body is discarded.
   */
  accept(block: Block, start: number, end: number): number;
  /** The body is complete. The sink may reply; if it does not, the server calls the handler's `handle` next. */
  end(): void;
  /** The body will not be completed: the client left, was too slow or sent malformed data, or the reply came first. */
  abort(): void;
}
