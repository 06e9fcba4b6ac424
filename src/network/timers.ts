/**
 * Timers for many clients with few durations. Whatever has the same duration ends in the order it was started, so
 * each duration is one list with the nearest deadline in front: start, stop and look-up are O(1).
 */

/** Something that can wait for one deadline at a time. Times are the reactor's: monotonic milliseconds. */
export abstract class Timed {
  /** The list it waits in; null when it waits for nothing. */
  timerList: TimerList | null = null;
  timerDeadline = 0;
  timerNext: Timed | null = null;
  timerPrevious: Timed | null = null;

  /** The deadline has passed; the timer is stopped already. */
  abstract onTimeout(): void;
}

/** A timer that calls a function. */
export class Alarm extends Timed {
  constructor(private readonly ring: () => void) {
    super();
  }

  onTimeout(): void {
    this.ring();
  }
}

/** All that wait for the same duration, the nearest deadline first. */
export class TimerList {
  first: Timed | null = null;
  private last: Timed | null = null;

  constructor(readonly duration: number) {}

  /** Puts `timed` at the end with a deadline of now + duration; it leaves the list it was in. */
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

/** What becomes of an error that nobody asked to be told of. */
export const rethrow = (error: unknown): void => {
  throw error;
};

/** The lists of a reactor. A list stays once made: durations come from the configuration and are few. */
export class Timers {
  private readonly lists = new Map<number, TimerList>();

  /** The list of a duration in ms. */
  list(duration: number): TimerList {
    let list = this.lists.get(duration);
    if (list === undefined) this.lists.set(duration, (list = new TimerList(duration)));
    return list;
  }

  start(timed: Timed, duration: number, now: number): void {
    this.list(duration).start(timed, now);
  }

  /** Stops `timed` if it waits. */
  stop(timed: Timed): void {
    timed.timerList?.stop(timed);
  }

  /** The nearest deadline, Infinity when nothing waits. */
  nearest(): number {
    let nearest = Number.POSITIVE_INFINITY;
    for (const { first } of this.lists.values()) {
      if (first !== null && first.timerDeadline < nearest) nearest = first.timerDeadline;
    }
    return nearest;
  }

  /**
   * Ends the wait of all whose deadline is not after `now`. What they start again waits for a later turn, its duration being
   * more than 0. `failed` is told what one of them throws; the others have their turn all the same.
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
