/** Where a request's reply goes: its connection, which knows the protocol. The request does not. */
import type { ConnectionInfo } from "../exchange/exchange.ts";
import type { ReplyDraft } from "../exchange/filter.ts";
import type { Field, ReplyBody, StreamBody, WholeReply } from "../exchange/reply.ts";
import type { Tunnel } from "../exchange/tunnel.ts";

/** A reply may be given at any time, once per request. One given while another connection is being served is kept until this one is. */
export interface ReplyTarget {
  readonly info: ConnectionInfo;
  /** Bytes of the reply, head included; if its length is unknown, those sent so far. 0 before it begins. */
  readonly bytesSent: number;
  readonly bodyBytesSent: number;
  /** Whether the connection stays open after the reply, as far as that is known. */
  persists(): boolean;
  /**
   * Sends a reply. For HEAD, 204 and 304 the body is not sent.
   * @param fields the fields of framing and connection are appended to this array
   * @param length Content-Length if it is not the body's length; -1: none
   */
  reply(status: number, fields: Field[], body: ReplyBody, length: number | undefined): void;
  /** Sends a kept reply, then `rest`: the body of a reply that was kept without one. */
  replyWhole(reply: WholeReply, rest: ReplyBody): void;
  /** Sends a reply that contains its own head. The connection ends after it. */
  replyRaw(body: StreamBody): void;
  /** Sends 101 with `fields`; the connection becomes a tunnel to `far`. */
  tunnel(fields: Field[], far: Tunnel): void;
  /** Makes a reply that can be kept. Its body is bytes, which are copied, or null. `dateSecond`: the second that Date shows. */
  wholeReply(draft: ReplyDraft, dateSecond: number): WholeReply;
  /** Ends the connection without a reply. */
  drop(): void;
  /** A sink or stream can continue. */
  goOn(): void;
  /** A handler threw in a call that did not come from the connection. */
  crash(error: unknown): void;
}
