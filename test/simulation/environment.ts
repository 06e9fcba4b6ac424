/** What the parts of a simulation know of each other. */
import type { VirtualClock } from "./clock.ts";
import type { Faults } from "./faults.ts";
import type { Random } from "./random.ts";

/** What everything in a simulation shares. */
export interface Environment {
  readonly clock: VirtualClock;
  readonly random: Random;
  readonly faults: Faults;
}

/** The other end hears that there is something to take: bytes, the end or a reset. */
export interface Peer {
  notified(): void;
}

export interface ConnectionOptions {
  /** Bytes of the server's receive buffer. */
  readonly receiveBuffer: number;
  /** Bytes of the server's send buffer and of all that is on the way to a peer which does not read. */
  readonly sendBuffer: number;
  /** One way, ms. */
  readonly latency: number;
}
