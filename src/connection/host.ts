/** What a connection needs of the server it belongs to. */
import type { Kernel } from "../../ffi/kernel.ts";
import type { Block } from "../../ffi/memory.ts";
import type { BufferPool } from "../network/buffers.ts";
import type { Reactor } from "../network/reactor.ts";
import type { ServerExchange } from "../request/server-exchange.ts";
import type { Client } from "./client.ts";
import type { Outbox } from "./outbox.ts";

export interface ConnectionHost {
  readonly kernel: Kernel;
  readonly reactor: Reactor;
  readonly pool: BufferPool;
  /** Where replies are put together, for all connections. */
  readonly outbox: Outbox;
  /** Where bytes are received, for all connections. */
  readonly inbox: Block;
  /** No new requests: those in progress are the last. */
  readonly stopping: boolean;
  beginExchange(client: Client): ServerExchange;
  endExchange(exchange: ServerExchange): void;
  clientClosed(client: Client): void;
  /** Reports an exception, which is always a fault of ours. */
  reportBug(error: unknown, exchange: ServerExchange | null): void;
}
