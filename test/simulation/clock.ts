/**
 * Virtual time. No code waits in real time: a wait moves the clock to the next scheduled event instead.
 * All times are milliseconds.
 */
interface Scheduled {
  readonly at: number;
  /** Orders events of the same time: the first scheduled happens first. */
  readonly order: number;
  readonly action: () => void;
}

const before = (a: Scheduled, b: Scheduled): boolean => a.at < b.at || (a.at === b.at && a.order < b.order);

export class VirtualClock {
  /** CLOCK_MONOTONIC. */
  now = 1_000;
  /** CLOCK_REALTIME minus CLOCK_MONOTONIC: 2026-01-01 at the start; `step` changes it. */
  private realtimeOffset = Date.UTC(2026, 0, 1);
  /** A binary heap, the earliest first. */
  private readonly heap: Scheduled[] = [];
  private order = 0;
  private running = false;

  /** CLOCK_REALTIME, in ms since 1970. */
  get realtime(): number {
    return this.now + this.realtimeOffset;
  }

  /** Sets CLOCK_REALTIME forward or back, as an administrator or NTP does. */
  step(milliseconds: number): void {
    this.realtimeOffset += milliseconds;
  }

  /** Schedules `action` `delay` ms from now. */
  after(delay: number, action: () => void): void {
    const { heap } = this;
    const event = { at: this.now + delay, order: this.order++, action };
    let at = heap.length;
    for (heap.push(event); at > 0; ) {
      const parent = (at - 1) >> 1;
      if (before(heap[parent]!, event)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = event;
  }

  /** When the next event happens; Infinity when none is scheduled. */
  get nextAt(): number {
    return this.heap[0]?.at ?? Number.POSITIVE_INFINITY;
  }

  /** Moves the clock to `time`, and runs the events scheduled until then in order. */
  advanceTo(time: number): void {
    if (this.running) throw new Error("an event cannot move the clock");
    this.running = true;
    try {
      while (this.nextAt <= time) {
        const { at, action } = this.takeFirst();
        if (at > this.now) this.now = at;
        action();
      }
    } finally {
      this.running = false;
    }
    if (time > this.now) this.now = time;
  }

  private takeFirst(): Scheduled {
    const { heap } = this;
    const first = heap[0]!;
    const last = heap.pop()!;
    if (heap.length === 0) return first;
    let at = 0;
    for (let child = 1; child < heap.length; child = 2 * at + 1) {
      if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child++;
      if (before(last, heap[child]!)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
    return first;
  }
}
