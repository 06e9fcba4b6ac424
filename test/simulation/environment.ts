/** Types shared by the parts of a simulation. */
import type { VirtualClock } from "./clock.ts";
import type { Faults } from "./faults.ts";
import type { Random } from "./random.ts";

/** Objects shared by all parts of a simulation. */
export interface Environment {
  readonly clock: VirtualClock;
  readonly random: Random;
  readonly faults: Faults;
}

/** Called when the other end can read something: bytes, the end or a reset. */
export interface Peer {
  notified(): void;
}

export interface ConnectionOptions {
  /** Size of the server's receive buffer, in bytes. */
  readonly receiveBuffer: number;
  /** Most bytes in the server's send buffer and in the network, to a peer that does not read. */
  readonly sendBuffer: number;
  /** Latency in one direction, ms. */
  readonly latency: number;
}
