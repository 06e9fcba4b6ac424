/** What can go wrong, how often, and when: decided by the seed alone. */
import { ERRNO } from "../../ffi/errno.ts";
import type { ErrnoName } from "../errno-name.ts";
import type { Random } from "./random.ts";

/**
 * Each fault and its highest probability per opportunity.
 *
 * Faults do not lie: after an EAGAIN or a short count on a socket the rest of the bytes, or of the room, comes a moment later
 * with an edge of its own, as Linux has it (epoll(7)): to the server it looks as if the network had been slower.
 */
export const FAULTS = {
  /** recv, send or sendfile, or a read or write of a pipe, would block although epoll said ready. */
  EAGAIN: 0.2,
  /** A signal ends epoll_wait. */
  EINTR: 0.2,
  "short recv": 0.5,
  "short send": 0.5,
  "short sendfile": 0.5,
  /** Of a file or a pipe. */
  "short read": 0.3,
  "short write": 0.3,
  /** The peer resets the connection just before a recv or send. */
  ECONNRESET: 0.02,
  /** The peer resets the connection just before a send, after it had sent its FIN. */
  EPIPE: 0.02,
  /** Of accept: the client left while it waited. */
  ECONNABORTED: 0.05,
  /** Of accept, open and what opens pipes and pidfds: this process has its fill of descriptors. */
  EMFILE: 0.1,
  /** The same, of the whole system. */
  ENFILE: 0.1,
  /** Of writes to a file, and of what makes or moves an entry of a folder. */
  ENOSPC: 0.2,
  EDQUOT: 0.1,
  /** Of reads from a file. */
  EIO: 0.05,
  /** Of writes to a file, and of what makes, moves or removes an entry of a folder. */
  "EIO in writing": 0.05,
  /** Of what makes, moves or removes an entry of a folder. */
  EACCES: 0.05,
  EROFS: 0.05,
  /** Of posix_spawn: this user has its fill of processes. */
  "EAGAIN of spawn": 0.1,
  /** Of posix_spawn, and of pidfd_open and the registration of what they give. */
  ENOMEM: 0.1,
  /** CLOCK_REALTIME jumps by up to a day. */
  "clock step": 0.01,
} as const;

export type Fault = keyof typeof FAULTS;

/** The faults that a call answers with an error number, and which. */
const NUMBERS = {
  EMFILE: "EMFILE",
  ENFILE: "ENFILE",
  ENOSPC: "ENOSPC",
  EDQUOT: "EDQUOT",
  EACCES: "EACCES",
  EROFS: "EROFS",
  ENOMEM: "ENOMEM",
  EIO: "EIO",
  "EIO in writing": "EIO",
} as const satisfies { readonly [fault in Fault]?: ErrnoName };
type Failing = keyof typeof NUMBERS;

/**
 * The faults of one run. Each enabled one is off, rare or as frequent as the table says: runs with few kinds of
 * failure find what a uniform mixture hides (swarm testing, Groce et al. 2012).
 */
export class Faults {
  /** How often each fault struck. */
  readonly counts = new Map<Fault, number>();
  /** Off while the scene is set: a start-up has its own tests. */
  active = false;
  private readonly rates = new Map<Fault, number>();

  constructor(
    private readonly random: Random,
    enabled: readonly Fault[],
  ) {
    for (const fault of enabled) this.rates.set(fault, FAULTS[fault] * random.pick([0, 0.1, 1]));
  }

  /** Whether the fault happens now. */
  strikes(fault: Fault): boolean {
    const rate = this.rates.get(fault);
    if (rate === undefined || !this.active || !this.random.chance(rate)) return false;
    this.counts.set(fault, (this.counts.get(fault) ?? 0) + 1);
    return true;
  }

  /** What a call gives that one of these happens to: -errno, or 0 when none does. */
  failure(...faults: Failing[]): number {
    for (const fault of faults) if (this.strikes(fault)) return -ERRNO[NUMBERS[fault]];
    return 0;
  }

  /** Whether the run can have this fault at all. */
  includes(...faults: Fault[]): boolean {
    return faults.some((fault) => (this.rates.get(fault) ?? 0) > 0);
  }

  /** Sets one fault's probability, whatever the seed chose; 0 ends it. */
  set(fault: Fault, probability: number): void {
    this.rates.set(fault, probability);
  }

  /** A short count for `length` bytes (at least 2): often 1, else anything below. */
  shorter(length: number): number {
    return this.random.chance(0.3) ? 1 : this.random.between(1, length - 1);
  }
}
