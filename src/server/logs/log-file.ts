/**
 * A log file with a buffer: lines are written when the buffer fills up, after a second, and when the server stops. A log that
 * can't be written never stops the server.
 */
import { O_APPEND, O_CREAT, O_WRONLY, S_IFCHR, S_IFIFO, S_IFMT, S_IFSOCK } from "../../../ffi/abi.ts";
import { ERRNO, errnoText } from "../../../ffi/errno.ts";
import { FileStatus, type Kernel } from "../../../ffi/kernel.ts";
import { Block } from "../../../ffi/memory.ts";

/** Size of the buffer, which also holds lines for a slow reader. The memory is touched only when needed. */
const CAPACITY = 1024 * 1024;
const ENOUGH = 32 * 1024;
const LF = 0x0a;
const STANDARD: { readonly [name: string]: number } = { stdout: 1, stderr: 2 };

export class LogFile {
  private fd = -1;
  private readonly block = new Block(CAPACITY);
  private length = 0;
  private isSocket = false;
  /** The last bytes written end within a line. */
  private unfinished = false;
  /** The last write failed; reported once until one succeeds. */
  private failing = false;
  /** Bytes that a pipe did not take at the last try: its reader is slow. */
  private waiting = 0;
  /** Lines dropped because a pipe's reader did not read. */
  private lost = 0;

  constructor(
    private readonly kernel: Kernel,
    /** A path, "stdout" or "stderr". */
    readonly name: string,
    /** Receives what is wrong with this file; it may write that to this same file. */
    private readonly complain: (message: string) => void,
  ) {}

  /** Opens the file, and creates it if needed; called again after it was moved. 0, or -errno: then the old file stays open. */
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
   * Opens a pipe or a terminal again, to get an open file description that can be non-blocking: a reader that does not read must
   * not stop the server, and other users of the original must not get the flag. Where that fails, it is used as it is. A socket
   * can't be opened, but send(2) has a flag for not blocking.
   */
  private openStandard(standard: number): number {
    const status = new FileStatus();
    const type = this.kernel.fstat(standard, status) < 0 ? 0 : status.mode & S_IFMT;
    this.isSocket = type === S_IFSOCK;
    const own = type === S_IFIFO || type === S_IFCHR ? this.openPath(`/proc/self/fd/${standard}`, 0) : -1;
    return own < 0 ? standard : own;
  }

  /** The descriptor it has opened itself, else -1. */
  get descriptor(): number {
    return this.fd === STANDARD[this.name] ? -1 : this.fd;
  }

  /** Whether to try again soon, because a reader is slow. */
  get waits(): boolean {
    return this.waiting > 0;
  }

  /** Adds a line, which ends with a line feed; one character per byte (see http/octets.ts). */
  write(line: string): void {
    if (this.length + line.length > CAPACITY) {
      const isEmpty = this.flush();
      if (line.length >= CAPACITY && isEmpty) return this.writeLong(line);
      if (this.length + line.length > CAPACITY) return void this.lost++;
    }
    this.length += this.block.bytes.latin1Write(line, this.length);
    if (this.length > this.waiting + ENOUGH) this.flush();
  }

  /** Writes a line that does not fit the buffer in pieces. If a piece cannot be written, the rest is lost. */
  private writeLong(line: string): void {
    for (let at = 0; at < line.length; at += CAPACITY) {
      const piece = line.slice(at, at + CAPACITY);
      this.length = this.block.bytes.latin1Write(piece, 0);
      if (!this.flush()) return this.breakOff();
    }
  }

  /** Writes the buffer. False: some of it is still waiting, or is lost. */
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
    return this.flush(); // the complaint may have been written to this file
  }

  /** Keeps what a pipe did not take until its reader goes on. */
  private keep(start: number): false {
    this.block.bytes.copyWithin(0, start, this.length);
    this.waiting = this.length -= start;
    return false;
  }

  /** Drops the lines: a full disk or a closed reader costs lines, never requests. */
  private lose(error: number): false {
    this.breakOff();
    const known = this.failing;
    this.failing = true;
    if (!known) this.complain(`write to "${this.name}" failed (${errnoText(error)})`);
    return false;
  }

  /** Empties the buffer. The next line does not continue the interrupted one. */
  private breakOff(): void {
    this.waiting = 0;
    this.length = this.unfinished ? this.block.bytes.latin1Write("\n", 0) : 0;
  }

  /** Writes what it can and closes. What a reader does not take is lost. */
  close(): void {
    this.flush();
    if (this.waits) this.complain(`${this.length} bytes for "${this.name}" were lost: its reader was too slow`);
    this.closeDescriptor();
    this.fd = -1;
    this.length = this.waiting = 0;
  }

  /** Closes the descriptor. Lines that wait for a reader go to the next descriptor, which has the same reader; an interrupted line ends with its file. */
  private closeDescriptor(): void {
    if (this.descriptor >= 0) this.kernel.close(this.fd);
    if (!this.waits) this.length = 0;
    this.unfinished = this.waits && this.unfinished;
  }
}
