/** How long a connection waits: one timer for what is waited for, and minimum rates over the whole wait (docs/behaviour.md, Time and limits). */
import type { Settings } from "../config/model.ts";
import type { Reactor } from "../network/reactor.ts";
import { Timed } from "../network/timers.ts";

/** What the timer waits for. */
export enum Wait {
  Nothing,
  Headers,
  KeepAlive,
  Body,
  Send,
  Linger,
}

/** Minimum rates count from here on, ms: a start may be slow. */
const RATE_GRACE = 10_000;

/** Who waits. */
export interface TimeoutOwner {
  /** What was waited for did not come in time; the wait is still the current one. */
  onTimeout(): void;
}

export class Timeouts extends Timed {
  current = Wait.Nothing;
  /** When the wait began, how many bytes had moved then, and how many when its timer was last started. */
  private since = 0;
  private base = 0;
  private mark = 0;

  /**
   * @param settings those of the last request's location; of the address's default server before the first
   * @param input @param output whose growing counts are progress
   */
  constructor(
    private readonly reactor: Pick<Reactor, "now" | "timers">,
    public settings: Settings,
    private readonly input: { readonly bytesReceived: number },
    private readonly output: { readonly bytesTaken: number },
    private readonly owner: TimeoutOwner,
  ) {
    super();
  }

  /** Starts the timer of `wait`, anew only after progress; the one for a head runs once, however many bytes come. */
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

  /** What was waited for has come: the next wait is a new one, even if it is for the same. */
  end(): void {
    this.timerList?.stop(this);
    this.current = Wait.Nothing;
  }

  onTimeout(): void {
    this.owner.onTimeout();
  }

  /** Whether `wait` has lasted `duration` ms, whatever progress there was. */
  hasWaited(wait: Wait, duration: number): boolean {
    return wait === this.current && this.reactor.now - this.since >= duration;
  }

  /** Whether fewer bytes a second than the minimum rate have moved since `wait` began; one that has only now become due has not begun. */
  isTooSlow(wait: Wait.Body | Wait.Send): boolean {
    const rate = wait === Wait.Body ? this.settings.clientMinRate : this.settings.sendMinRate;
    if (rate === 0 || !this.hasWaited(wait, RATE_GRACE)) return false;
    return (this.moved(wait) - this.base) * 1000 < rate * (this.reactor.now - this.since);
  }

  /** The count of bytes whose growth is progress for a wait. */
  private moved(wait: Wait): number {
    if (wait === Wait.Send) return this.output.bytesTaken;
    return wait === Wait.Body || wait === Wait.Linger ? this.input.bytesReceived : 0;
  }

  private duration(wait: Wait): number {
    const { settings } = this;
    switch (wait) {
      case Wait.Headers:
        return settings.clientHeaderTimeout;
      case Wait.KeepAlive:
        return settings.keepaliveTimeout;
      case Wait.Body:
        return settings.clientBodyTimeout;
      case Wait.Linger:
        return settings.lingeringTimeout;
      default:
        return settings.sendTimeout;
    }
  }
}
