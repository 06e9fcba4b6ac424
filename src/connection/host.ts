/** What a connection needs from its server. */
import type { Kernel } from "../../ffi/kernel.ts";
import type { Block } from "../../ffi/memory.ts";
import type { ConnectionInfo } from "../exchange/exchange.ts";
import type { BufferPool } from "../network/buffers.ts";
import type { Reactor } from "../network/reactor.ts";
import type { ReplyTarget } from "../request/reply-target.ts";
import type { ServerExchange } from "../request/server-exchange.ts";
import type { Endpoint } from "./endpoint.ts";
import type { Outbox } from "./outbox.ts";

/** A connection as the server sees it. */
export interface HostedConnection extends ReplyTarget {
  /** The address it was accepted on, with the servers there. A reload replaces it. */
  endpoint: Endpoint;
  readonly info: ConnectionInfo & { readonly fd: number };
  /** What it does now, for `stub_status`. */
  readonly activity: "reading" | "writing" | "waiting";
  /** The server stops: a connection without a request in progress ends at once, the others after their reply. */
  stopWhenIdle(): void;
  /** Closes now, whatever is in progress. */
  abort(): void;
}

export interface ConnectionHost {
  readonly kernel: Kernel;
  readonly reactor: Reactor;
  readonly pool: BufferPool;
  /** Where all connections put their replies together. */
  readonly outbox: Outbox;
  /** Where all connections receive. */
  readonly inbox: Block;
  /** The server stops: the requests in progress are the last. */
  readonly stopping: boolean;
  beginExchange(connection: HostedConnection): ServerExchange;
  endExchange(exchange: ServerExchange): void;
  connectionClosed(connection: HostedConnection): void;
  /** Logs an exception, which is always a fault of the server. */
  reportBug(error: unknown, exchange: ServerExchange | null): void;
}
