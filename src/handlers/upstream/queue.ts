/** Requests that wait until a server of their group can take them (`queue`), the longest waiting first. */
import type { Reactor, Unfinished } from "../../network/reactor.ts";
import { Alarm, Timed } from "../../network/timers.ts";

/** A peer whose `fail_timeout` has passed tells nobody, so the first in the queue tries again so often, ms. */
const RETRY = 1000;

export class WaitingRequests implements Unfinished {
  private readonly waiting = new Set<Waiter>();
  private readonly alarm = new Alarm(() => this.onTurn());
  private scheduled = false;

  constructor(
    private readonly reactor: Reactor,
    /** Whether some peer can take a request. */
    private readonly isFree: () => boolean,
  ) {}

  get length(): number {
    return this.waiting.size;
  }

  /** Adds a request. `ready` is called once: when it may try again, or has waited too long. null: the queue is full, or there is none. */
  add(limits: { readonly length: number; readonly timeout: number } | null, ready: () => void): Waiter | null {
    if (limits === null || this.waiting.size >= limits.length) return null;
    const waiter = new Waiter((one) => {
      this.remove(one);
      ready();
    });
    this.waiting.add(waiter);
    this.reactor.timers.start(waiter, limits.timeout, this.reactor.now);
    if (this.alarm.timerList === null) this.reactor.timers.start(this.alarm, RETRY, this.reactor.now);
    return waiter;
  }

  /** The request no longer waits. */
  remove(waiter: Waiter): void {
    this.waiting.delete(waiter);
    this.reactor.timers.stop(waiter);
    if (this.waiting.size === 0) this.reactor.timers.stop(this.alarm);
  }

  /** A peer may have become free: those who can go on do so in the next turn, not amid the end of another request. */
  wake(): void {
    if (this.waiting.size === 0 || this.scheduled) return;
    this.scheduled = true;
    this.reactor.again(this);
  }

  onTurn(): void {
    this.scheduled = false;
    for (const waiter of [...this.waiting]) {
      if (!this.isFree()) break;
      waiter.goOn();
    }
    if (this.waiting.size > 0) this.reactor.timers.start(this.alarm, RETRY, this.reactor.now);
  }
}

export class Waiter extends Timed {
  constructor(private readonly release: (waiter: Waiter) => void) {
    super();
  }

  goOn(): void {
    this.release(this);
  }

  onTimeout(): void {
    this.release(this);
  }
}
