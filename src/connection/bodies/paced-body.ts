/** Sends a body at no more than so many bytes per second (`limit_rate`). */
import { ERRNO } from "../../../ffi/errno.ts";
import type { Pacing } from "../../exchange/reply.ts";
import { Rate } from "../../network/rate.ts";
import type { Reactor } from "../../network/reactor.ts";
import { Alarm } from "../../network/timers.ts";
import type { BodyTarget, OutgoingBody } from "./outgoing-body.ts";

/** ms after which bytes that had to wait are tried again. nginx waits a second or so. */
const PAUSE = 200;

export class PacedBody implements OutgoingBody {
  private readonly rate: Rate;
  private readonly alarm: Alarm;

  /** @param onMore called when bytes that had to wait may be sent */
  constructor(
    private readonly body: OutgoingBody,
    { bytes, after, since }: Pacing,
    private readonly reactor: Pick<Reactor, "now" | "timers">,
    onMore: () => void,
  ) {
    this.rate = new Rate(bytes, since, after);
    this.alarm = new Alarm(onMore);
  }

  get gathers(): boolean {
    return this.body.gathers;
  }

  step(target: BodyTarget, limit: number): number {
    const { now, timers } = this.reactor;
    const allowed = this.rate.allowance(now);
    if (allowed > 0) {
      const n = this.body.step(target, Math.min(limit, allowed));
      if (n > 0) this.rate.pass(n);
      return n;
    }
    if (this.alarm.timerList === null) timers.start(this.alarm, PAUSE, now);
    return -ERRNO.EAGAIN;
  }

  /** Counts bytes that are sent before the body: those of its head. */
  passes(bytes: number): this {
    this.rate.pass(bytes);
    return this;
  }

  blocked(): void {
    this.body.blocked?.();
  }

  release(): void {
    this.reactor.timers.stop(this.alarm);
    this.body.release();
  }
}
