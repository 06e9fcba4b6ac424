/** The time at the start of the turn, and its Date, formatted once per second. */
import type { Kernel } from "../../ffi/kernel.ts";
import type { Clock } from "../exchange/services.ts";
import { formatDate } from "../http/reply/date.ts";

export class ServerClock implements Clock {
  now = 0;
  turn = 0;
  second = 0;
  date = "";

  constructor(private readonly kernel: Kernel) {
    this.update(kernel.monotonic());
  }

  /** @param now the reactor's time of this turn, monotonic ms */
  update(now: number): void {
    this.now = now;
    this.turn++;
    const second = Math.floor(this.kernel.realtime() / 1000);
    if (second === this.second) return;
    this.second = second;
    this.date = formatDate(second);
  }
}
