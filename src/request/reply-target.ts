/** The connection as its request needs it: where the reply goes. It knows the protocol; the request does not. */
import type { ConnectionInfo } from "../exchange/exchange.ts";
import type { ReplyDraft } from "../exchange/filter.ts";
import type { Field, ReplyBody, StreamBody, WholeReply } from "../exchange/reply.ts";

/** Replies may be given at any time, once per request: what comes while another connection is served is kept until this one is. */
export interface ReplyTarget {
  readonly info: ConnectionInfo;
  /** Bytes of the reply, head included; of one of unknown length, those that have been sent. 0 before it begins. */
  readonly bytesSent: number;
  readonly bodyBytesSent: number;
  /**
   * Sends a reply; HEAD, 204 and 304 get no body, whatever is given.
   * @param fields those of the framing and the connection are appended to them
   * @param length Content-Length where the body does not say it; -1: none
   */
  reply(status: number, fields: Field[], body: ReplyBody, length: number | undefined): void;
  /** Sends a kept reply, and `rest` behind it if it lacks its body. */
  replyWhole(reply: WholeReply, rest: ReplyBody): void;
  /** Sends a reply that brings its own head; the connection ends with it. */
  replyRaw(body: StreamBody): void;
  /** Makes a reply that can be kept, whose body is bytes, which are copied, or none. `dateSecond`: what the field Date shows. */
  wholeReply(draft: ReplyDraft, dateSecond: number): WholeReply;
  /** Ends the connection without a reply. */
  drop(): void;
  /** A sink or stream is ready again. */
  goOn(): void;
  /** A handler threw where the connection did not call it. */
  crash(error: unknown): void;
}
