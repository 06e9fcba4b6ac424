/**
 * Timers for many connections with few different durations. Timers of the same duration expire in the order they were started,
 * so each duration has one list with the nearest deadline first: start, stop and look-up are O(1).
 */

/** Something that waits for one deadline at a time. Times are the reactor's: monotonic milliseconds. */
export abstract class Timed {
  /** The list that contains it; null when no timer runs. */
  timerList: TimerList | null = null;
  timerDeadline = 0;
  timerNext: Timed | null = null;
  timerPrevious: Timed | null = null;

  /** Called when the deadline has passed; the timer is stopped already. */
  abstract onTimeout(): void;
}

/** A timer that calls a function. */
export class Alarm extends Timed {
  constructor(private readonly callback: () => void) {
    super();
  }

  onTimeout(): void {
    this.callback();
  }
}

/** All timers of one duration, the nearest deadline first. */
class TimerList {
  first: Timed | null = null;
  private last: Timed | null = null;

  constructor(readonly duration: number) {}

  /** Appends `timed` with a deadline of now + duration, and removes it from the list it was in. */
  start(timed: Timed, now: number): void {
    timed.timerList?.stop(timed);
    timed.timerList = this;
    timed.timerDeadline = now + this.duration;
    timed.timerPrevious = this.last;
    if (this.last === null) this.first = timed;
    else this.last.timerNext = timed;
    this.last = timed;
  }

  stop(timed: Timed): void {
    const { timerNext, timerPrevious } = timed;
    if (timerNext === null) this.last = timerPrevious;
    else timerNext.timerPrevious = timerPrevious;
    if (timerPrevious === null) this.first = timerNext;
    else timerPrevious.timerNext = timerNext;
    timed.timerNext = timed.timerPrevious = timed.timerList = null;
  }
}

/** The default handler of errors. */
export const rethrow = (error: unknown): void => {
  throw error;
};

/** The timer lists of a reactor. Lists are never removed: durations come from the configuration and are few. */
export class Timers {
  private readonly lists = new Map<number, TimerList>();
  /** The one asked for last: mostly that of `keepalive_timeout`, which every request starts. NaN: none yet. */
  private latest = new TimerList(Number.NaN);

  /** The list of a duration in ms. */
  list(duration: number): TimerList {
    if (this.latest.duration !== duration) this.latest = this.lists.get(duration) ?? this.add(duration);
    return this.latest;
  }

  private add(duration: number): TimerList {
    const list = new TimerList(duration);
    this.lists.set(duration, list);
    return list;
  }

  start(timed: Timed, duration: number, now: number): void {
    this.list(duration).start(timed, now);
  }

  /** Stops the timer of `timed`, if one runs. */
  stop(timed: Timed): void {
    timed.timerList?.stop(timed);
  }

  /** The nearest deadline; Infinity when no timer runs. */
  nearest(): number {
    let nearest = Number.POSITIVE_INFINITY;
    for (const { first } of this.lists.values()) {
      if (first !== null && first.timerDeadline < nearest) nearest = first.timerDeadline;
    }
    return nearest;
  }

  /**
   * Fires all timers whose deadline is not after `now`. A timer started meanwhile fires in a later turn, because durations are
   * above 0. `failed` receives what a timer throws; the others fire all the same.
   */
  fire(now: number, failed: (error: unknown) => void = rethrow): void {
    for (const list of this.lists.values()) {
      for (let timed = list.first; timed !== null && timed.timerDeadline <= now; timed = list.first) {
        list.stop(timed);
        try {
          timed.onTimeout();
        } catch (error) {
          failed(error);
        }
      }
    }
  }
}
