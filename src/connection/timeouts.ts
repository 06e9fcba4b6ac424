/** How long a connection waits: one timer for the current wait, and minimum rates over the whole wait (docs/behaviour.md, Time and limits). */
import type { Settings } from "../config/model.ts";
import type { Reactor } from "../network/reactor.ts";
import { Timed } from "../network/timers.ts";

/** What the timer waits for. */
export enum Wait {
  Nothing,
  Headers,
  KeepAlive,
  /** As KeepAlive, while the server stops. */
  LastRequest,
  Body,
  Send,
  Linger,
}

/** ms after which minimum rates apply: the start may be slow. */
const RATE_GRACE = 10_000;

/** The connection that waits. */
export interface TimeoutOwner {
  /** Its count grows when the client sends. */
  readonly input: { readonly bytesReceived: number };
  /** Its count grows when the client reads. */
  readonly output: { readonly bytesTaken: number };
  /** The current wait has lasted too long. */
  onTimeout(): void;
}

export class Timeouts extends Timed {
  current = Wait.Nothing;
  /** Time at which the wait began; bytes moved by then; bytes moved when its timer was last started. */
  private since = 0;
  private base = 0;
  private mark = 0;

  /**
   * @param settings of the location of the last request; before the first request, of the default server
   */
  constructor(
    private readonly reactor: Pick<Reactor, "now" | "timers">,
    public settings: Settings,
    private readonly owner: TimeoutOwner,
  ) {
    super();
  }

  /** Starts the timer of `wait`; starts it again only after progress. The timer for a head is never started again, however many bytes come. */
  waitFor(wait: Wait): void {
    const moved = this.moved(wait);
    if (wait === this.current && moved === this.mark) return;
    if (wait !== this.current) {
      this.since = this.reactor.now;
      this.base = moved;
    }
    this.current = wait;
    this.mark = moved;
    if (wait === Wait.Nothing) this.timerList?.stop(this);
    else this.reactor.timers.start(this, this.duration(wait), this.reactor.now);
  }

  /** Ends the current wait: the next one is new, even if it is of the same kind. */
  end(): void {
    this.timerList?.stop(this);
    this.current = Wait.Nothing;
  }

  onTimeout(): void {
    this.owner.onTimeout();
  }

  /** Whether `wait` is the current one and has lasted `duration` ms, with or without progress. */
  hasWaited(wait: Wait, duration: number): boolean {
    return wait === this.current && this.reactor.now - this.since >= duration;
  }

  /** Whether fewer bytes a second than the minimum rate have moved since `wait` began. False if `wait` is not the current one. */
  isTooSlow(wait: Wait.Body | Wait.Send): boolean {
    const rate = wait === Wait.Body ? this.settings.clientMinRate : this.settings.sendMinRate;
    if (rate === 0 || !this.hasWaited(wait, RATE_GRACE)) return false;
    return (this.moved(wait) - this.base) * 1000 < rate * (this.reactor.now - this.since);
  }

  /** The count of bytes whose growth is progress for `wait`. */
  private moved(wait: Wait): number {
    if (wait === Wait.Send) return this.owner.output.bytesTaken;
    return wait === Wait.Body || wait === Wait.Linger ? this.owner.input.bytesReceived : 0;
  }

  private duration(wait: Wait): number {
    const { settings } = this;
    switch (wait) {
      case Wait.Headers:
        return settings.clientHeaderTimeout;
      case Wait.KeepAlive:
        return settings.keepaliveTimeout;
      case Wait.LastRequest:
        return settings.keepaliveMinTimeout;
      case Wait.Body:
        return settings.clientBodyTimeout;
      case Wait.Linger:
        return settings.lingeringTimeout;
      default:
        return settings.sendTimeout;
    }
  }
}
