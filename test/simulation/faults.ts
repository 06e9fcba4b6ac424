/** The faults of a run. The seed alone decides which happen, how often and when. */
import { ERRNO } from "../../ffi/errno.ts";
import type { ErrnoName } from "../errno-name.ts";
import type { Random } from "./random.ts";

/**
 * Each fault and its highest probability per opportunity.
 *
 * Faults are consistent with Linux (epoll(7)): after an EAGAIN or a short count on a socket, the rest of the bytes or of the
 * space comes a moment later with its own edge. To the server the network only looks slower.
 */
export const FAULTS = {
  /** recv, send or sendfile, or a read or write of a pipe, would block although epoll said ready. */
  EAGAIN: 0.2,
  /** A datagram of either side is lost, or comes twice. */
  "lost datagram": 0.3,
  "doubled datagram": 0.3,
  /** A signal ends epoll_wait. */
  EINTR: 0.2,
  "short recv": 0.5,
  "short send": 0.5,
  "short sendfile": 0.5,
  /** A read or write of a file or a pipe gives a short count. */
  "short read": 0.3,
  "short write": 0.3,
  /** The peer resets the connection just before a recv or send. */
  ECONNRESET: 0.02,
  /** The peer resets the connection just before a send, after it had sent its FIN. */
  EPIPE: 0.02,
  /** accept: the client left while it waited. */
  ECONNABORTED: 0.05,
  /** accept, open, and calls that open pipes and pidfds: this process has reached its limit of descriptors. */
  EMFILE: 0.1,
  /** The same for the limit of the whole system. */
  ENFILE: 0.1,
  /** Writes to a file, and calls that create or move an entry of a folder. */
  ENOSPC: 0.2,
  EDQUOT: 0.1,
  /** Reads from a file. */
  EIO: 0.05,
  /** Writes to a file, and calls that create, move or remove an entry of a folder. */
  "EIO in writing": 0.05,
  /** Calls that create, move or remove an entry of a folder. */
  EACCES: 0.05,
  EROFS: 0.05,
  /** posix_spawn: this user has reached the limit of processes. */
  "EAGAIN of spawn": 0.1,
  /** posix_spawn, pidfd_open, and adding their descriptors to epoll. */
  ENOMEM: 0.1,
  /** CLOCK_REALTIME jumps by up to a day. */
  "clock step": 0.01,
} as const;

export type Fault = keyof typeof FAULTS;

/** The error number of each fault that makes a call fail. */
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
 * The faults of one run. Each enabled fault is off, rare, or as frequent as the table says, because runs with few kinds of
 * failure find bugs that a uniform mixture hides (swarm testing, Groce et al. 2012).
 */
export class Faults {
  /** How often each fault happened. */
  readonly counts = new Map<Fault, number>();
  /** False during start-up, which has its own tests. */
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

  /** The result of a call to which one of these faults happens, -errno; 0: none happens. */
  failure(...faults: Failing[]): number {
    for (const fault of faults) if (this.strikes(fault)) return -ERRNO[NUMBERS[fault]];
    return 0;
  }

  /** Whether the fault is enabled in this run. */
  includes(...faults: Fault[]): boolean {
    return faults.some((fault) => (this.rates.get(fault) ?? 0) > 0);
  }

  /** Replaces the probability that the seed chose for a fault; 0 disables the fault. */
  set(fault: Fault, probability: number): void {
    this.rates.set(fault, probability);
  }

  /** A short count for `length` bytes (at least 2): often 1, otherwise any smaller number. */
  shorter(length: number): number {
    return this.random.chance(0.3) ? 1 : this.random.between(1, length - 1);
  }
}
