/**
 * Decides when connections are accepted: not while the limit is reached, and not for a while after descriptors ran out.
 * Meanwhile new connections stay in the kernel's queue.
 */
import { errnoText } from "../../../ffi/errno.ts";
import type { Reactor } from "../../network/reactor.ts";
import { Timed } from "../../network/timers.ts";

/** Interval for trying again after descriptors ran out, even if no connection has ended, ms. */
const RETRY = 500;

/** The listeners, which are paused and resumed. */
interface Accepted {
  pause(): void;
  resume(): void;
}

export class Accepting extends Timed {
  private limit = Number.POSITIVE_INFINITY;
  /** The limit of connections is reached. */
  private full = false;
  /** A descriptor was missing. */
  private exhausted = false;
  /** The current pause has been reported. */
  private reported = false;

  /** @param alert reports that accepting had to pause */
  constructor(
    private readonly reactor: Reactor,
    private readonly listeners: Accepted,
    private readonly alert: (message: string) => void,
  ) {
    super();
  }

  /** Whether connections are not accepted now. */
  get paused(): boolean {
    return this.full || this.exhausted;
  }

  /** Sets the limit of open connections; `count` are open. */
  allow(limit: number, count: number): void {
    this.limit = limit;
    this.full = count >= limit;
    if (this.paused) this.listeners.pause();
    else this.listeners.resume();
  }

  /** Called when a connection was accepted; `count` are open now. Gives whether more may be accepted. */
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

  /** Called when a connection has ended; `count` are left. Its descriptor is closed at the end of the turn. */
  freed(count: number): void {
    if (!this.paused || count >= this.limit) return;
    this.full = this.exhausted = false;
    this.listeners.resume();
  }

  /** accept4(2) failed for lack of descriptors or memory. */
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

  /** Stops accepting for good. */
  stop(): void {
    this.timerList?.stop(this);
  }

  private report(message: string): void {
    if (!this.reported) this.alert(message);
    this.reported = true;
  }
}
