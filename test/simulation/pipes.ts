/**
 * Pipes as fs/pipe.c has them: slots of a page each, so that a full pipe has room again only when a page has been read up,
 * and the masks and wake-ups of pipe_poll, pipe_read, pipe_write and pipe_release.
 */
import { EPOLLERR, EPOLLHUP, EPOLLIN, EPOLLOUT } from "../../ffi/abi.ts";
import { ERRNO } from "../../ffi/errno.ts";
import { Misuse } from "./descriptors.ts";
import type { Environment } from "./environment.ts";
import { Pollable } from "./epoll.ts";

const PAGE = 4096;
/** What is written in one piece or not at all (pipe(7)). */
const PIPE_BUF = 4096;
/** So long at most a fault hides bytes or room, ms. */
const HIDDEN = 5;

/** bytes[start, end) of a page. */
interface Slot {
  readonly bytes: Buffer;
  start: number;
  end: number;
}

/** One end of a pipe: what descriptors of the server and of processes share (dup(2)). */
export class PipeEnd extends Pollable {
  override readonly isOfChild = true;
  /** Descriptors that stand for it. */
  private holders = 1;

  constructor(
    readonly pipe: Pipe,
    readonly direction: "reading" | "writing",
    /** It is for a child: the server gives it away and closes it. */
    readonly blocking: boolean,
  ) {
    super();
  }

  describe(): string {
    return `the ${this.direction} end of ${this.blocking ? "a child's " : "a "}pipe`;
  }

  get open(): boolean {
    return this.holders > 0;
  }

  poll(): number {
    return this.direction === "reading" ? this.pipe.pollReading() : this.pipe.pollWriting();
  }

  /** Another descriptor for it. */
  hold(): void {
    this.holders++;
  }

  /** One descriptor fewer. */
  release(): void {
    if (--this.holders === 0) this.pipe.endClosed();
  }

  closed(): void {
    this.forgetWatches();
    this.release();
  }

  /** The server's read(2). */
  read(target: Buffer, offset: number, length: number): number {
    this.demand("reading");
    return this.pipe.read(target, offset, length);
  }

  /** The server's write(2). */
  write(source: Buffer, offset: number, length: number): number {
    this.demand("writing");
    return this.pipe.write(source, offset, length);
  }

  private demand(direction: "reading" | "writing"): void {
    if (this.direction !== direction) throw new Misuse(`${this.describe()} is not open for ${direction}`);
    if (this.blocking) throw new Misuse(`${this.describe()} may block the server`);
  }

  happened(events: number): void {
    this.wake(events);
  }
}

export class Pipe {
  readonly reading: PipeEnd;
  readonly writing: PipeEnd;
  private readonly slots: Slot[] = [];
  /** Bytes that a fault hides from the server for a moment, from the last ones. */
  private hidden = 0;
  /** A fault pretends that the pipe is full. */
  private choked = false;
  /** A process that wrote to it has ended: what it wrote is there, and nothing may look as if it still came. */
  private settled = false;
  private sleepers: (() => void)[] = [];

  /** @param pages its capacity; @param ours the end that is the server's */
  constructor(
    private readonly environment: Environment,
    private readonly pages: number,
    ours: "reading" | "writing",
  ) {
    this.reading = new PipeEnd(this, "reading", ours !== "reading");
    this.writing = new PipeEnd(this, "writing", ours !== "writing");
  }

  get length(): number {
    return this.slots.reduce((sum, { start, end }) => sum + end - start, 0);
  }

  private get full(): boolean {
    return this.slots.length >= this.pages;
  }

  pollReading(): number {
    return (this.length > this.hidden ? EPOLLIN : 0) | (this.writing.open ? 0 : EPOLLHUP);
  }

  pollWriting(): number {
    return (this.full || this.choked ? 0 : EPOLLOUT) | (this.reading.open ? 0 : EPOLLERR);
  }

  endClosed(): void {
    this.reading.happened(0);
    this.writing.happened(0);
    this.wakeSleepers();
  }

  /** Calls `action` once, when the next thing happens to the pipe. */
  whenChanged(action: () => void): void {
    this.sleepers.push(action);
  }

  private wakeSleepers(): void {
    for (const wake of this.sleepers.splice(0)) wake();
  }

  /** One of those who hold its writing end has ended. */
  settle(): void {
    this.settled = true;
    this.hidden = 0;
  }

  // A process' side, which waits instead of getting EAGAIN

  /** At most `most` bytes; none: there are none now, or, when no writer is left, there will be none. */
  take(most: number): Buffer {
    const bytes = Buffer.allocUnsafe(Math.min(most, this.length));
    this.shift(bytes, 0, bytes.length);
    return bytes;
  }

  /** How many of bytes[from, ...) it took. */
  put(bytes: Buffer, from: number): number {
    return this.push(bytes, from, bytes.length);
  }

  // The server's side

  /** read(2) without waiting. */
  read(target: Buffer, offset: number, length: number): number {
    const available = this.show(this.length - this.hidden, length);
    if (available > 0) return this.shift(target, offset, Math.min(available, length));
    return this.length === 0 && !this.writing.open ? 0 : -ERRNO.EAGAIN;
  }

  /** Of `available` bytes, how many a fault leaves to be seen by a read of `length`. */
  private show(available: number, length: number): number {
    const { faults } = this.environment;
    if (available === 0 || this.settled || !this.writing.open) return available;
    let shown = available;
    if (faults.strikes("EAGAIN")) shown = 0;
    else if (Math.min(available, length) > 1 && faults.strikes("short read"))
      shown = faults.shorter(Math.min(available, length));
    if (shown < available && this.hidden === 0) this.later(() => this.reveal());
    this.hidden += available - shown;
    return shown;
  }

  private reveal(): void {
    this.hidden = 0;
    if (this.length > 0) this.reading.happened(EPOLLIN);
  }

  /** write(2) without waiting. */
  write(source: Buffer, offset: number, length: number): number {
    if (!this.reading.open) return -ERRNO.EPIPE;
    const count = this.choked ? 0 : this.push(source, offset, offset + this.admitted(length));
    return count === 0 ? -ERRNO.EAGAIN : count;
  }

  /** How many of `length` bytes a fault lets in: those that must stay together, all or none. */
  private admitted(length: number): number {
    const { faults } = this.environment;
    let count = length;
    if (faults.strikes("EAGAIN")) count = 0;
    else if (length > PIPE_BUF && faults.strikes("short write")) count = faults.shorter(length);
    if (count === length) return count;
    this.choked = true;
    this.later(() => this.unchoke());
    return count;
  }

  private unchoke(): void {
    this.choked = false;
    if (!this.full) this.writing.happened(EPOLLOUT);
  }

  private later(action: () => void): void {
    const { clock, random } = this.environment;
    clock.after(random.fraction() * HIDDEN, action);
  }

  // Slots

  private shift(target: Buffer, offset: number, count: number): number {
    const wasFull = this.full;
    for (let at = offset, left = count; left > 0; ) {
      const slot = this.slots[0]!;
      const piece = Math.min(left, slot.end - slot.start);
      slot.bytes.copy(target, at, slot.start, slot.start + piece);
      slot.start += piece;
      if (slot.start === slot.end) this.slots.shift();
      at += piece;
      left -= piece;
    }
    if (wasFull && !this.full) this.writing.happened(EPOLLOUT);
    this.wakeSleepers();
    return count;
  }

  /** bytes[from, to), as many as there is room for: what is less than a page goes behind the last bytes if it fits there whole. */
  private push(bytes: Buffer, from: number, to: number): number {
    const odd = (to - from) % PAGE;
    const last = this.slots.at(-1);
    let at = from;
    if (last && odd > 0 && last.end + odd <= PAGE) {
      bytes.copy(last.bytes, last.end, at, at + odd);
      last.end += odd;
      at += odd;
    }
    while (at < to && !this.full) {
      const page = Buffer.allocUnsafe(PAGE);
      const end = bytes.copy(page, 0, at, Math.min(to, at + PAGE));
      this.slots.push({ bytes: page, start: 0, end });
      at += end;
    }
    if (at > from) {
      this.reading.happened(EPOLLIN);
      this.wakeSleepers();
    }
    return at - from;
  }
}
