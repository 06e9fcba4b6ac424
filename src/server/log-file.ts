/**
 * A log that is written in large pieces: lines gather in memory and go out when much has gathered, when a second is over,
 * and when the server stops. A log that can't be written never stops the server.
 */
import { O_APPEND, O_CREAT, O_WRONLY } from "../../ffi/abi.ts";
import { ERRNO, errnoText } from "../../ffi/errno.ts";
import type { Kernel } from "../../ffi/kernel.ts";
import { Block } from "../../ffi/memory.ts";

const CAPACITY = 64 * 1024;
const LF = 0x0a;
const STANDARD: { readonly [name: string]: number } = { stdout: 1, stderr: 2 };

export class LogFile {
  private fd = -1;
  private readonly block = new Block(CAPACITY);
  private length = 0;
  /** What the file has got ends within a line. */
  private unfinished = false;
  /** The last write failed; said once until one succeeds. */
  private failing = false;

  constructor(
    private readonly kernel: Kernel,
    /** A path, "stdout" or "stderr". */
    readonly name: string,
    private readonly complain: (message: string) => void,
  ) {}

  /** Opens the file, creating it if need be; again after it was moved away. 0, or -errno with the old file kept. */
  open(): number {
    const standard = STANDARD[this.name];
    if (standard !== undefined) {
      this.fd = standard;
      return 0;
    }
    const fd = this.kernel.open(this.name, O_WRONLY | O_APPEND | O_CREAT, 0o644);
    if (fd < 0) return fd;
    this.close();
    this.fd = fd;
    return 0;
  }

  /** The descriptor it owns, -1 for none of its own. */
  get descriptor(): number {
    return this.name in STANDARD ? -1 : this.fd;
  }

  /** Adds a line, which ends with a line feed: a character per byte (see http/octets.ts). */
  write(line: string): void {
    if (this.length + line.length > CAPACITY) {
      const isEmpty = this.flush();
      if (line.length >= CAPACITY) return isEmpty ? this.writeLong(line) : undefined;
    }
    this.length += this.block.bytes.latin1Write(line, this.length);
    if (this.length > CAPACITY / 2) this.flush();
  }

  /** A line that has not enough room goes out in pieces; what follows a lost piece is lost too. */
  private writeLong(line: string): void {
    for (let at = 0; at < line.length; at += CAPACITY) {
      const piece = line.slice(at, at + CAPACITY);
      this.length = this.block.bytes.latin1Write(piece, 0);
      if (!this.flush()) return;
    }
  }

  /** Writes what has gathered. False: some of it is lost. */
  flush(): boolean {
    for (let start = 0; start < this.length; ) {
      const n = this.kernel.write(this.fd, this.block, start, this.length - start);
      if (n <= 0) return this.lose(n);
      start += n;
      this.unfinished = this.block.bytes[start - 1] !== LF;
    }
    if (this.length > 0) this.failing = false;
    this.length = 0;
    return true;
  }

  /** A full disk or a reader that does not read loses lines, never requests. The next line does not go on where one broke off. */
  private lose(error: number): false {
    this.length = this.unfinished ? this.block.bytes.latin1Write("\n", 0) : 0;
    if (!this.failing && error !== -ERRNO.EAGAIN) this.complain(`write to "${this.name}" failed (${errnoText(error)})`);
    this.failing = true;
    return false;
  }

  close(): void {
    this.flush();
    if (this.descriptor >= 0) this.kernel.close(this.fd);
    this.fd = -1;
    this.length = 0;
    this.unfinished = false;
  }
}
