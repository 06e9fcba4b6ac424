/**
 * Pipes as in fs/pipe.c: slots of one page each, so a full pipe has space again only when a whole page has been read. Masks and
 * wake-ups are those of pipe_poll, pipe_read, pipe_write and pipe_release.
 */
import { EPOLLERR, EPOLLHUP, EPOLLIN, EPOLLOUT } from "../../ffi/abi.ts";
import { ERRNO } from "../../ffi/errno.ts";
import { Misuse } from "./descriptors.ts";
import type { Environment } from "./environment.ts";
import { Pollable } from "./epoll.ts";

const PAGE = 4096;
/** A write of at most this many bytes is done completely or not at all (pipe(7)). */
const PIPE_BUF = 4096;
/** Longest time that a fault hides bytes or space, ms. */
const HIDDEN = 5;

/** bytes[start, end) of a page. */
interface Slot {
  readonly bytes: Buffer;
  start: number;
  end: number;
}

/** One end of a pipe. Several descriptors of the server and of processes can share it (dup(2)). */
export class PipeEnd extends Pollable {
  override readonly isOfChild = true;
  /** Number of its descriptors. */
  private holders = 1;

  constructor(
    readonly pipe: Pipe,
    readonly direction: "reading" | "writing",
    /** Whether it is for a child: the server passes it to the child and closes it. */
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

  /** Adds a descriptor. */
  hold(): void {
    this.holders++;
  }

  /** Removes a descriptor. */
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
  /** Number of last bytes that a fault hides from the server for a moment. */
  private hidden = 0;
  /** A fault pretends that the pipe is full. */
  private choked = false;
  /** A process that wrote to it has ended. All its bytes have arrived, so no fault may hide them. */
  private settled = false;
  private sleepers: (() => void)[] = [];

  /** @param pages capacity; @param ours the server's end */
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

  /** Calls `action` once, at the next event of the pipe. */
  whenChanged(action: () => void): void {
    this.sleepers.push(action);
  }

  private wakeSleepers(): void {
    for (const wake of this.sleepers.splice(0)) wake();
  }

  /** Called when a process that has its writing end has ended. */
  settle(): void {
    this.settled = true;
    this.hidden = 0;
  }

  // The process's side, which waits instead of getting EAGAIN

  /** Reads at most `most` bytes. An empty result: the pipe is empty now, or at its end if there is no writer. */
  take(most: number): Buffer {
    const bytes = Buffer.allocUnsafe(Math.min(most, this.length));
    this.shift(bytes, 0, bytes.length);
    return bytes;
  }

  /** Writes bytes[from, ...); gives the number written. */
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

  /** How many of `available` bytes a read of `length` sees; a fault may hide the others. */
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

  /** How many of `length` bytes a write may write; a fault may reduce it. A write up to PIPE_BUF is all or nothing. */
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

  /** Adds as many of bytes[from, to) as fit. Less than a page is appended to the last slot, if it fits there completely. */
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
