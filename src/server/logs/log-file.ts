/**
 * A log that is written in large pieces: lines gather in memory and go out when much has gathered, when a second is over,
 * and when the server stops. A log that can't be written never stops the server.
 */
import { O_APPEND, O_CREAT, O_WRONLY, S_IFCHR, S_IFIFO, S_IFMT, S_IFSOCK } from "../../../ffi/abi.ts";
import { ERRNO, errnoText } from "../../../ffi/errno.ts";
import { FileStatus, type Kernel } from "../../../ffi/kernel.ts";
import { Block } from "../../../ffi/memory.ts";

/** What waits for a reader that is slow; memory is touched only where it was needed. */
const CAPACITY = 1024 * 1024;
const ENOUGH = 32 * 1024;
const LF = 0x0a;
const STANDARD: { readonly [name: string]: number } = { stdout: 1, stderr: 2 };

export class LogFile {
  private fd = -1;
  private readonly block = new Block(CAPACITY);
  private length = 0;
  private isSocket = false;
  /** What the file has got ends within a line. */
  private unfinished = false;
  /** The last write failed; said once until one succeeds. */
  private failing = false;
  /** Bytes that a pipe did not take when it was last tried: its reader is slow. */
  private waiting = 0;
  /** Lines that found no room while a pipe's reader did not read. */
  private lost = 0;

  constructor(
    private readonly kernel: Kernel,
    /** A path, "stdout" or "stderr". */
    readonly name: string,
    /** Takes what is wrong with this file; it may write that into this very file. */
    private readonly complain: (message: string) => void,
  ) {}

  /** Opens the file, creating it if need be; again after it was moved away. 0, or -errno with the old file kept. */
  open(): number {
    const standard = STANDARD[this.name];
    const fd = standard === undefined ? this.openPath(this.name, O_CREAT) : this.openStandard(standard);
    if (fd < 0) return fd;
    this.flush();
    this.closeDescriptor();
    this.fd = fd;
    return 0;
  }

  private openPath(path: string, flags: number): number {
    return this.kernel.open(path, O_WRONLY | O_APPEND | flags, 0o644);
  }

  /**
   * A pipe or a terminal is opened once more, for a description of our own that does not block: who does not read must not
   * stop the server, and the flag must not be set for those who share it. Where that is refused, it is written as it is. A
   * socket, which can't be opened, has a call that does not block.
   */
  private openStandard(standard: number): number {
    const status = new FileStatus();
    const type = this.kernel.fstat(standard, status) < 0 ? 0 : status.mode & S_IFMT;
    this.isSocket = type === S_IFSOCK;
    const own = type === S_IFIFO || type === S_IFCHR ? this.openPath(`/proc/self/fd/${standard}`, 0) : -1;
    return own < 0 ? standard : own;
  }

  /** The descriptor it owns, -1 for none of its own. */
  get descriptor(): number {
    return this.fd === STANDARD[this.name] ? -1 : this.fd;
  }

  /** Whether a slow reader is to be tried again soon. */
  get waits(): boolean {
    return this.waiting > 0;
  }

  /** Adds a line, which ends with a line feed: a character per byte (see http/octets.ts). */
  write(line: string): void {
    if (this.length + line.length > CAPACITY) {
      const isEmpty = this.flush();
      if (line.length >= CAPACITY && isEmpty) return this.writeLong(line);
      if (this.length + line.length > CAPACITY) return void this.lost++;
    }
    this.length += this.block.bytes.latin1Write(line, this.length);
    if (this.length > this.waiting + ENOUGH) this.flush();
  }

  /** A line that has not enough room goes out in pieces; what follows a piece that does not go out is lost. */
  private writeLong(line: string): void {
    for (let at = 0; at < line.length; at += CAPACITY) {
      const piece = line.slice(at, at + CAPACITY);
      this.length = this.block.bytes.latin1Write(piece, 0);
      if (!this.flush()) return this.breakOff();
    }
  }

  /** Writes what has gathered. False: some of it waits still, or is lost. */
  flush(): boolean {
    for (let start = 0; start < this.length; ) {
      const n = this.kernel[this.isSocket ? "send" : "write"](this.fd, this.block, start, this.length - start);
      if (n === -ERRNO.EAGAIN) return this.keep(start);
      if (n <= 0) return this.lose(n);
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
    return this.flush(); // it may be this file that was complained to
  }

  /** What a pipe did not take waits for its reader. */
  private keep(start: number): false {
    this.block.bytes.copyWithin(0, start, this.length);
    this.waiting = this.length -= start;
    return false;
  }

  /** A full disk or a reader that has gone loses lines, never requests. */
  private lose(error: number): false {
    this.breakOff();
    const known = this.failing;
    this.failing = true;
    if (!known) this.complain(`write to "${this.name}" failed (${errnoText(error)})`);
    return false;
  }

  /** Forgets what has gathered. The next line does not go on where one broke off. */
  private breakOff(): void {
    this.waiting = 0;
    this.length = this.unfinished ? this.block.bytes.latin1Write("\n", 0) : 0;
  }

  /** Writes what it can. What a reader still does not take is lost. */
  close(): void {
    this.flush();
    if (this.waits) this.complain(`${this.length} bytes for "${this.name}" were lost: its reader was too slow`);
    this.closeDescriptor();
    this.fd = -1;
    this.length = this.waiting = 0;
  }

  /** What waits for a reader goes to the next descriptor, which is that reader's too; what broke off ends with its file. */
  private closeDescriptor(): void {
    if (this.descriptor >= 0) this.kernel.close(this.fd);
    if (!this.waits) this.length = 0;
    this.unfinished = this.waits && this.unfinished;
  }
}
