/** The limits of bytes per second of one reply: from its source (proxy_limit_rate) and to its client (X-Accel-Limit-Rate). */
import { Alarm } from "../../network/timers.ts";
import type { HandlerServices } from "../services.ts";

/** ms after which bytes that had to wait are tried again. */
const PAUSE = 100;

/** A limit of bytes per second. As in nginx, what a second allows may pass at once at the beginning. */
class Rate {
  private passed = 0;

  constructor(
    private readonly bytes: number,
    private readonly start: number,
  ) {}

  /** Bytes that may pass now; 0 rather than very few. */
  allowance(now: number): number {
    const allowed = Math.floor((this.bytes * (now - this.start + 1000)) / 1000) - this.passed;
    return allowed < Math.min(this.bytes / 20, 1024) ? 0 : allowed;
  }

  pass(bytes: number): void {
    this.passed += bytes;
  }
}

export class Pace {
  private source: Rate | null;
  private client: Rate | null = null;
  private alarm: Alarm | null = null;

  /** @param sourceRate bytes per second; 0: no limit @param onMore called when bytes that had to wait may pass */
  constructor(
    private readonly services: HandlerServices,
    sourceRate: number,
    private readonly onMore: () => void,
  ) {
    this.source = this.rate(sourceRate);
  }

  /** Bytes per second; 0: no limit. */
  limitClient(bytes: number): void {
    this.client = this.rate(bytes);
  }

  /** How many of `most` bytes may be read from the source now; 0: `onMore` follows. */
  forSource(most: number): number {
    return this.source === null ? most : this.within(this.source, most);
  }

  /** How many of `most` bytes the client may get now; 0: `onMore` follows. */
  forClient(most: number): number {
    return this.client === null ? most : this.within(this.client, most);
  }

  fromSource(bytes: number): void {
    this.source?.pass(bytes);
  }

  toClient(bytes: number): void {
    this.client?.pass(bytes);
  }

  stop(): void {
    if (this.alarm !== null) this.services.reactor.timers.stop(this.alarm);
  }

  private rate(bytes: number): Rate | null {
    return bytes > 0 ? new Rate(bytes, this.services.reactor.now) : null;
  }

  private within(rate: Rate, most: number): number {
    const { timers, now } = this.services.reactor;
    const allowed = Math.min(most, rate.allowance(now));
    if (allowed > 0) return allowed;
    this.alarm ??= new Alarm(this.onMore);
    if (this.alarm.timerList === null) timers.start(this.alarm, PAUSE, now);
    return 0;
  }
}
