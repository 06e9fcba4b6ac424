/** The limit of bytes per second that a reply's source may send (proxy_limit_rate). */
import { Rate } from "../../network/rate.ts";
import { Alarm } from "../../network/timers.ts";
import type { HandlerServices } from "../services.ts";

/** ms after which bytes that had to wait are tried again. */
const PAUSE = 100;

export class Pace {
  private readonly rate: Rate;
  private readonly alarm: Alarm;

  /** @param bytes per second @param onMore called when bytes that had to wait may pass */
  constructor(
    private readonly services: HandlerServices,
    bytes: number,
    onMore: () => void,
  ) {
    this.rate = new Rate(bytes, services.reactor.now);
    this.alarm = new Alarm(onMore);
  }

  /** How many of `most` bytes may be read now; 0: `onMore` follows. */
  within(most: number): number {
    const { timers, now } = this.services.reactor;
    const allowed = Math.min(most, this.rate.allowance(now));
    if (allowed > 0) return allowed;
    if (this.alarm.timerList === null) timers.start(this.alarm, PAUSE, now);
    return 0;
  }

  read(bytes: number): void {
    this.rate.pass(bytes);
  }

  stop(): void {
    this.services.reactor.timers.stop(this.alarm);
  }
}
