/**
 * The contract between the gateway and a group of servers (`upstream`, or an address alone). The group decides to whom an attempt
 * goes, remembers who fails, and keeps idle connections. The gateway connects, sends and receives.
 */
import type { SocketAddress } from "../../../ffi/inet.ts";
import type { Exchange } from "../../exchange/exchange.ts";
import type { AttemptRecord } from "../../exchange/upstream.ts";
import type { Transport } from "../../network/transport.ts";

/** One address of a server. */
export interface PeerName {
  /** $upstream_addr: `127.0.0.1:8080`, `[::1]:8080` or `unix:/path`. */
  readonly name: string;
  readonly address: SocketAddress;
}

/** One attempt of a request. It ends with `Choice.done` or `tunnelEnded`. */
export interface Attempt {
  readonly peer: PeerName;
  /** A kept connection, watched already: its new user sets the owner. null: connect. */
  readonly kept: Transport | null;
  /** Already in the exchange's UpstreamFacts. The gateway fills it in. */
  readonly record: AttemptRecord;
  /** Instead of `Choice.done`: its connection was that of a tunnel, which has ended. Tunnels are many and last long: they do not keep the choice. */
  tunnelEnded(): void;
}

/** Result of `Choice.next`: the request waits in the group's queue. */
export const QUEUED = 0;

/** The peers that one request tries, one after the other. Before the first attempt it uses the exchange, later only as said. */
export interface Choice {
  /** Further attempts that nginx would make; 0: the status of the last failure becomes the reply's. */
  readonly tries: number;
  /**
   * The next peer, none that was tried before. QUEUED: `ready` will be called, then the gateway calls again. null: no live peer is
   * left (502, "no live upstreams").
   */
  next(ready: () => void): Attempt | typeof QUEUED | null;
  /**
   * The same peer, newly connected: the kept connection of `attempt` was closed by the peer before it had sent a byte, and the request
   * may be sent again (RFC 9110 §9.2.2, RFC 9112 §9.3.1). `attempt` has ended; this is no failure.
   */
  again(attempt: Attempt): Attempt;
  /** The reply of `attempt` goes to the client; its head has not been passed on yet. Adds the field of `sticky`. */
  accepted(attempt: Attempt, exchange: Exchange): void;
  /**
   * The attempt is over. `ok` false: it counts as a failure of the peer (`max_fails`). `keep`: the connection can serve another
   * request; null: it was closed. True: the peer is now out of use for a while, and a warning is due.
   */
  done(attempt: Attempt, ok: boolean, keep: Transport | null): boolean;
  /** The request has ended; it waits no longer. Needed only while it is QUEUED. */
  leave(): void;
}

export interface UpstreamGroup {
  /** The name of the `upstream` block, or the address as written. */
  readonly name: string;
  /** Begins the choice for a request, whose UpstreamFacts must exist. */
  choose(exchange: Exchange): Choice;
}
