/** What a world runs: the server under test, as far as a world must know it. */
import type { SimulatedKernel } from "./kernel.ts";

export interface Subject {
  /** One turn of the loop, which waits at most `timeout` ms. */
  turn(timeout: number): void;
  /** Every descriptor it holds, each as often as it has owners. */
  descriptors(): Iterable<number>;
  /** What it did wrong that only it can know: asked after each turn. */
  complaint?(): string | undefined;
  /** The same, after the stop. */
  lastComplaint?(): string | undefined;
  /** Ends at once and closes everything. */
  stop(): void;
}

/** Starts a server on the kernel, whose disk holds the site and its configuration. */
export type Start = (kernel: SimulatedKernel) => Subject;
