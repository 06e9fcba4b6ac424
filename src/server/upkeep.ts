/** What is done beside requests: logs and sessions are written soon after they changed, and what is not used is given up. */
import type { SessionRegistry } from "../handlers/session/registry.ts";
import type { Reactor } from "../network/reactor.ts";
import { Alarm } from "../network/timers.ts";
import type { Logs } from "./logs/logs.ts";

const SWEEP_INTERVAL = 60_000;

export class Upkeep {
  private readonly flushAlarm: Alarm;
  private readonly sessionAlarm: Alarm;
  private readonly sweepAlarm: Alarm;

  /** @param sweep gives up what is not used; called about once a minute */
  constructor(
    private readonly reactor: Reactor,
    private readonly logs: Logs,
    private readonly sessions: SessionRegistry,
    sweep: () => void,
  ) {
    this.flushAlarm = new Alarm(() => logs.flush());
    this.sessionAlarm = new Alarm(() => sessions.flush());
    this.sweepAlarm = new Alarm(sweep);
  }

  /** Starts the timers of what this turn has left to do. */
  afterTurn(): void {
    const { logs, sessions } = this;
    if (logs.pending) this.start(this.flushAlarm, logs.delay);
    if (sessions.pending) this.start(this.sessionAlarm, sessions.delay);
    this.start(this.sweepAlarm, SWEEP_INTERVAL);
  }

  private start(alarm: Alarm, delay: number): void {
    if (alarm.timerList === null) this.reactor.timers.start(alarm, delay, this.reactor.now);
  }
}
