/** The client, as its exchange needs it: where replies go. */
import type { ConnectionInfo } from "../exchange/exchange.ts";
import type { ReplyBody, WholeReply } from "../exchange/reply.ts";
import type { ServerExchange } from "./server-exchange.ts";

export interface ReplyTarget extends ConnectionInfo {
  /** Whether another request may follow the one in progress. */
  readonly reusable: boolean;
  /** Whether it is this client's share of the turn: what is written goes out now. */
  readonly served: boolean;
  /** Bytes of replies handed in so far, whether the kernel has taken them or not. */
  readonly bytesWritten: number;
  /** Bytes of replies the kernel has taken. */
  readonly bytesTaken: number;
  sendReply(head: string, body: ReplyBody, chunked: boolean): void;
  /** `connection`: one more field line, with its CRLF, or "". */
  sendWhole(reply: WholeReply, headOnly: boolean, connection: string, rest: ReplyBody): void;
  /** Ends the connection without a reply. */
  drop(): void;
  /** A sink or stream is ready again. */
  goOn(): void;
  /** A handler threw. */
  handlerFailed(exchange: ServerExchange, error: unknown): void;
}
