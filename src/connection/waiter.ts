/** The patience with a client: one timer for what it is waited for, and minimum rates over the whole wait (SPEC.md §5). */
import type { Settings } from "../config/model.ts";
import { Reader } from "./reader.ts";

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

export abstract class Waiter extends Reader {
  /** Those of the last request's location; of the address's default server before the first. */
  protected abstract settings: Settings;
  protected wait = Wait.Nothing;
  /** When the wait began, how many bytes had moved then, and how many when its timer was last started. */
  private waitSince = 0;
  private waitBase = 0;
  private waitMark = 0;

  /** Starts the timer of `wait`, anew only after progress; the one for a head runs once, however many bytes come. */
  protected waitFor(wait: Wait): void {
    const moved = this.moved(wait);
    if (wait === this.wait && moved === this.waitMark) return;
    if (wait !== this.wait) {
      this.waitSince = this.reactor.now;
      this.waitBase = moved;
    }
    this.wait = wait;
    this.waitMark = moved;
    if (wait === Wait.Nothing) this.timerList?.stop(this);
    else this.reactor.timers.start(this, this.timeout(wait), this.reactor.now);
  }

  /** What was waited for has come: the next wait is a new one, even if it is for the same. */
  protected endWait(): void {
    this.timerList?.stop(this);
    this.wait = Wait.Nothing;
  }

  /** Whether `wait` has lasted `duration` ms, whatever progress there was. */
  protected hasWaited(wait: Wait, duration: number): boolean {
    return wait === this.wait && this.reactor.now - this.waitSince >= duration;
  }

  /** Whether fewer than `rate` bytes a second have moved since `wait` began; one that has only now become due has not begun. */
  protected isTooSlow(wait: Wait, rate: number): boolean {
    if (rate === 0 || !this.hasWaited(wait, RATE_GRACE)) return false;
    return (this.moved(wait) - this.waitBase) * 1000 < rate * (this.reactor.now - this.waitSince);
  }

  /** The count of bytes whose growth is progress for a wait. */
  private moved(wait: Wait): number {
    if (wait === Wait.Send) return this.bytesTaken;
    return wait === Wait.Body || wait === Wait.Linger ? this.bytesReceived : 0;
  }

  private timeout(wait: Wait): number {
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
