/**
 * A log file with a buffer: lines are written when the buffer fills up, after a while, and when the server stops. A log that
 * can't be written never stops the server.
 */
import { ERRNO, errnoText } from "../../../ffi/errno.ts";
import type { Kernel } from "../../../ffi/kernel.ts";
import { Block } from "../../../ffi/memory.ts";
import { Alarm } from "../../network/timers.ts";
import { LogDescriptor } from "./descriptor.ts";
import { type Complain, type LogOutput, RETRY, type Schedule } from "./output.ts";

/** How much a file buffers. */
interface Buffering {
  /** Bytes that are written when one more line would not fit; 0: what is written is written at once. */
  readonly size: number;
  /** How long a line waits at most, ms; null: until the buffer is full. */
  readonly flush: number | null;
}

/** Without `buffer=`. */
const USUAL: Buffering = { size: 32 * 1024, flush: 1000 };

/** Least size of the memory, which also holds lines for a slow reader. It is touched only when needed. */
const CAPACITY = 1024 * 1024;
const LF = 0x0a;

export class LogFile implements LogOutput {
  private out: LogDescriptor | null = null;
  private readonly block: Block;
  private length = 0;
  /** The last bytes written end within a line. */
  private unfinished = false;
  /** The last write failed; reported once until one succeeds. */
  private failing = false;
  /** Bytes that a pipe did not take at the last try: its reader is slow. */
  private waiting = 0;
  /** Lines dropped because a pipe's reader did not read. */
  private lost = 0;
  private readonly alarm = new Alarm(() => this.flush());

  /** @param isBinary it gets pieces that are worth nothing in part, such as members of a gzip file: what was written of one that failed is removed */
  constructor(
    private readonly kernel: Kernel,
    /** A path, "stdout" or "stderr". */
    readonly name: string,
    private readonly complain: Complain,
    private readonly schedule: Schedule,
    private readonly buffering = USUAL,
    private readonly isBinary = false,
  ) {
    this.block = new Block(Math.max(CAPACITY, buffering.size));
  }

  open(): number {
    const out = LogDescriptor.open(this.kernel, this.name);
    if (typeof out === "number") return out;
    this.flush();
    this.closeDescriptor();
    this.out = out;
    return 0;
  }

  descriptors(): Iterable<number> {
    return this.out?.descriptors() ?? [];
  }

  get waits(): boolean {
    return this.waiting > 0;
  }

  /** Adds a line, which ends with a line feed; one character per byte (see http/octets.ts). */
  write(line: string): void {
    const { size, flush } = this.buffering;
    if (this.length > this.waiting && this.length - this.waiting + line.length > size) this.flush();
    if (this.length === 0) this.begin(flush);
    if (this.length + line.length > this.block.bytes.length && !this.makeRoom(line)) return;
    this.length += this.block.bytes.latin1Write(line, this.length);
    if (this.length - this.waiting > size) this.flush();
  }

  /** Begins to fill the empty buffer; the next line does not continue one that was interrupted. */
  private begin(flush: number | null): void {
    if (flush !== null) this.schedule(this.alarm, flush);
    if (this.unfinished && !this.isBinary) this.length = this.block.bytes.latin1Write("\n", 0);
  }

  /** Makes room for a line. False: the line is written already, or lost. */
  private makeRoom(line: string): boolean {
    const isEmpty = this.flush();
    if (line.length >= this.block.bytes.length && isEmpty) return this.writeLong(line);
    if (this.length + line.length <= this.block.bytes.length) return true;
    this.lost++;
    return false;
  }

  /** Writes a line that does not fit the buffer in pieces. If a piece cannot be written, the rest is lost. */
  private writeLong(line: string): false {
    const { bytes } = this.block;
    for (let at = 0; at < line.length; at += bytes.length) {
      this.length = bytes.latin1Write(line.slice(at, at + bytes.length), 0);
      if (!this.flush()) return this.breakOff();
    }
    return false;
  }

  /** Writes the buffer. False: some of it is still waiting, or is lost. */
  flush(): boolean {
    for (let start = 0; start < this.length; ) {
      const n = this.out === null ? -ERRNO.EBADF : this.out.write(this.block, start, this.length - start);
      if (n === -ERRNO.EAGAIN) return this.keep(start);
      if (n <= 0) return this.lose(n, start);
      start += n;
      this.unfinished = this.block.bytes[start - 1] !== LF;
    }
    if (this.length === 0) return true;
    this.length = this.waiting = 0;
    this.failing = false;
    return this.lost === 0 || this.tellLost();
  }

  private tellLost(): boolean {
    const { lost } = this;
    this.lost = 0;
    this.complain(`${lost} lines for "${this.name}" were lost: its reader was too slow`);
    return this.flush(); // the complaint may have been written to this file
  }

  /** Keeps what a pipe did not take until its reader goes on. */
  private keep(start: number): false {
    this.block.bytes.copyWithin(0, start, this.length);
    this.waiting = this.length -= start;
    this.schedule(this.alarm, RETRY);
    return false;
  }

  /** Drops the lines: a full disk or a closed reader costs lines, never requests. */
  private lose(error: number, written: number): false {
    if (this.isBinary && written > 0) this.out?.cutBack(written);
    this.breakOff();
    const known = this.failing;
    this.failing = true;
    if (!known) this.complain(`write to "${this.name}" failed (${errnoText(error)})`);
    return false;
  }

  /** Drops what is left of the buffer. */
  private breakOff(): false {
    this.length = this.waiting = 0;
    return false;
  }

  /** What a reader does not take is lost. */
  close(): void {
    this.flush();
    if (this.waits) this.complain(`${this.length} bytes for "${this.name}" were lost: its reader was too slow`);
    this.closeDescriptor();
    this.out = null;
    this.length = this.waiting = 0;
  }

  /** Closes the descriptor. Lines that wait for a reader go to the next descriptor, which has the same reader; an interrupted line ends with its file. */
  private closeDescriptor(): void {
    this.out?.close();
    if (!this.waits) this.length = 0;
    this.unfinished = this.waits && this.unfinished;
  }
}
