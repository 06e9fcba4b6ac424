/** What all outputs of logs have in common. */
import type { Alarm } from "../../network/timers.ts";

export interface LogOutput {
  /** As messages name it. */
  readonly name: string;
  /** Opens it; called again after its file was moved. 0, or -errno: then what was open stays open. */
  open(): number;
  /** Writes what is buffered, as far as the reader takes it. */
  flush(): void;
  /** Whether to try again soon, because a reader is slow. */
  readonly waits: boolean;
  /** The descriptors it has opened itself. */
  descriptors(): Iterable<number>;
  /** Writes what it can and closes. */
  close(): void;
}

/** Starts an alarm, ms from now; one that runs already is started anew. */
export type Schedule = (alarm: Alarm, delay: number) => void;

/** Takes a message about an output that fails; the message may go to that same output. */
export type Complain = (message: string) => void;

/** Interval between tries on a reader that is slow, ms. */
export const RETRY = 20;
