/**
 * When connections are accepted: not while as many are open as allowed, and not for a while after descriptors ran out.
 * Meanwhile the kernel's queue holds the newcomers.
 */
import { errnoText } from "../../../ffi/errno.ts";
import type { Reactor } from "../../network/reactor.ts";
import { Timed } from "../../network/timers.ts";

/** After descriptors ran out: try again even if no connection has ended, ms. */
const RETRY = 500;

/** What is paused and resumed. */
interface Accepted {
  pause(): void;
  resume(): void;
}

export class Accepting extends Timed {
  private limit = Number.POSITIVE_INFINITY;
  /** There are as many connections as allowed. */
  private full = false;
  /** There was no descriptor left. */
  private exhausted = false;
  /** The pause in force was reported. */
  private reported = false;

  /** @param alert reports that accepting had to pause */
  constructor(
    private readonly reactor: Reactor,
    private readonly listeners: Accepted,
    private readonly alert: (message: string) => void,
  ) {
    super();
  }

  /** Whether connections are accepted now. */
  get paused(): boolean {
    return this.full || this.exhausted;
  }

  /** From now on `limit` connections may be open at once; `count` are. */
  allow(limit: number, count: number): void {
    this.limit = limit;
    this.full = count >= limit;
    if (this.paused) this.listeners.pause();
    else this.listeners.resume();
  }

  /** A connection was accepted, so that there are `count`. Whether there may be more. */
  taken(count: number): boolean {
    if (count < this.limit) {
      this.reported = false;
      return true;
    }
    this.report(`${this.limit} worker_connections are not enough: accepting pauses`);
    this.full = true;
    this.listeners.pause();
    return false;
  }

  /** A connection has ended, so that there are `count`: its descriptor is free when the turn ends. */
  freed(count: number): void {
    if (!this.paused || count >= this.limit) return;
    this.full = this.exhausted = false;
    this.listeners.resume();
  }

  /** accept4(2) failed for want of descriptors or memory. */
  failed(error: number): void {
    this.report(`accept4() failed (${errnoText(error)}): accepting pauses`);
    this.exhausted = true;
    this.listeners.pause();
    this.reactor.timers.start(this, RETRY, this.reactor.now);
  }

  onTimeout(): void {
    this.exhausted = false;
    if (!this.full) this.listeners.resume();
  }

  /** Accepts no more, for good. */
  stop(): void {
    this.timerList?.stop(this);
  }

  private report(message: string): void {
    if (!this.reported) this.alert(message);
    this.reported = true;
  }
}
