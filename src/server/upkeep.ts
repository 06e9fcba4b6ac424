/** Periodic work: writes sessions soon after they changed, and sweeps what has not been used. */
import type { SessionRegistry } from "../handlers/session/registry.ts";
import type { Reactor } from "../network/reactor.ts";
import { Alarm } from "../network/timers.ts";

const SWEEP_INTERVAL = 60_000;

export class Upkeep {
  private readonly sessionAlarm: Alarm;
  private readonly sweepAlarm: Alarm;

  /** @param sweep releases what is not used; called about once a minute */
  constructor(
    private readonly reactor: Reactor,
    private readonly sessions: SessionRegistry,
    sweep: () => void,
  ) {
    this.sessionAlarm = new Alarm(() => sessions.flush());
    this.sweepAlarm = new Alarm(sweep);
  }

  /** Starts timers for the work that this turn has left. */
  afterTurn(): void {
    const { sessions } = this;
    if (sessions.pending) this.start(this.sessionAlarm, sessions.delay);
    this.start(this.sweepAlarm, SWEEP_INTERVAL);
  }

  /** Does something later. @param delay ms */
  once(delay: number, work: () => void): void {
    this.start(new Alarm(work), delay);
  }

  private start(alarm: Alarm, delay: number): void {
    if (alarm.timerList === null) this.reactor.timers.start(alarm, delay, this.reactor.now);
  }
}
