/** Timers whose durations differ from call to call: a heap, because Timers keeps a list for each duration for ever. */
import type { Reactor } from "./reactor.ts";
import { Alarm } from "./timers.ts";

/** Something that waits for a time. */
export class Deadline {
  /** Monotonic ms. */
  time = 0;
  /** Its index in the heap; -1: it does not wait. */
  index = -1;

  constructor(readonly callback: () => void) {}
}

export class Deadlines {
  /** No entry is later than those at 2i + 1 and 2i + 2. */
  private readonly heap: Deadline[] = [];
  private readonly alarm = new Alarm(() => this.ring());

  constructor(private readonly reactor: Pick<Reactor, "now" | "timers">) {}

  /** The first time that is waited for; Infinity: none is. */
  get next(): number {
    return this.heap[0]?.time ?? Number.POSITIVE_INFINITY;
  }

  /** Calls the callback at `time`, or in the next turn if that has passed. */
  start(deadline: Deadline, time: number): void {
    deadline.time = time;
    deadline.index = this.heap.length;
    this.heap.push(deadline);
    this.rise(deadline);
    this.arm();
  }

  stop(deadline: Deadline): void {
    const { heap } = this;
    const { index } = deadline;
    if (index < 0) return;
    deadline.index = -1;
    const last = heap.pop()!;
    if (last !== deadline) {
      this.place(last, index);
      this.rise(last);
      this.sink(last);
    }
    if (heap.length === 0) this.reactor.timers.stop(this.alarm);
  }

  private ring(): void {
    const { heap } = this;
    try {
      for (let first = heap[0]; first !== undefined && first.time <= this.reactor.now; first = heap[0]) {
        this.stop(first);
        first.callback();
      }
    } finally {
      if (heap.length > 0) this.arm();
    }
  }

  /** Waits for the largest power of two that is not beyond the first deadline, so that few durations occur. */
  private arm(): void {
    const { now, timers } = this.reactor;
    const first = this.heap[0]!.time;
    if (this.alarm.timerList !== null && this.alarm.timerDeadline <= first) return;
    const left = Math.max(1, Math.ceil(first - now));
    timers.start(this.alarm, 2 ** Math.floor(Math.log2(left)), now);
  }

  private place(deadline: Deadline, index: number): void {
    this.heap[index] = deadline;
    deadline.index = index;
  }

  private rise(deadline: Deadline): void {
    const { heap } = this;
    while (deadline.index > 0) {
      const { index } = deadline;
      const parent = heap[(index - 1) >> 1]!;
      if (parent.time <= deadline.time) return;
      this.place(deadline, parent.index);
      this.place(parent, index);
    }
  }

  private sink(deadline: Deadline): void {
    const { heap } = this;
    for (;;) {
      const { index } = deadline;
      let child = heap[2 * index + 1];
      const other = heap[2 * index + 2];
      if (other !== undefined && other.time < child!.time) child = other;
      if (child === undefined || child.time >= deadline.time) return;
      this.place(deadline, child.index);
      this.place(child, index);
    }
  }
}
