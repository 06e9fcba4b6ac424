/** The server under test, as seen by a world. */
import type { SimulatedKernel } from "./kernel.ts";

export interface Subject {
  /** Runs one turn of the loop, which waits at most `timeout` ms. */
  turn(timeout: number): void;
  /** Its open descriptors, each once per owner. */
  descriptors(): Iterable<number>;
  /** A mistake that is visible only inside the server. Called after each turn. */
  complaint?(): string | undefined;
  /** The same, called after the stop. */
  lastComplaint?(): string | undefined;
  /** Stops at once and closes everything. */
  stop(): void;
}

/** Starts a server on the kernel. The kernel's disk has the site and its configuration. */
export type Start = (kernel: SimulatedKernel) => Subject;
