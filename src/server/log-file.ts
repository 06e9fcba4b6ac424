/**
 * A log that is written in large pieces: lines gather in memory and go out when much has gathered, when a second is over,
 * and when the server stops. A log that can't be written never stops the server.
 */
import { O_APPEND, O_CREAT, O_WRONLY } from "../../ffi/abi.ts";
import { ERRNO, errnoText } from "../../ffi/errno.ts";
import type { Kernel } from "../../ffi/kernel.ts";
import { Block } from "../../ffi/memory.ts";

const CAPACITY = 64 * 1024;
const STANDARD: { readonly [name: string]: number } = { stdout: 1, stderr: 2 };

export class LogFile {
  private fd = -1;
  private readonly block = new Block(CAPACITY);
  private length = 0;
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

  /** Adds a line; `line` ends with a line feed and is cut when it is longer than the whole buffer. */
  write(line: string): void {
    // A character is at most three bytes of UTF-8 per UTF-16 unit.
    if (this.length + 3 * line.length > CAPACITY) this.flush();
    this.length += this.block.bytes.write(line, this.length, "utf8");
    if (this.length > CAPACITY / 2) this.flush();
  }

  /** Writes what has gathered. */
  flush(): void {
    for (let start = 0; start < this.length; ) {
      const n = this.kernel.write(this.fd, this.block, start, this.length - start);
      if (n <= 0) return this.lose(n);
      start += n;
    }
    if (this.length > 0) this.failing = false;
    this.length = 0;
  }

  /** A full disk or a reader that does not read loses lines, never requests. */
  private lose(error: number): void {
    this.length = 0;
    if (!this.failing && error !== -ERRNO.EAGAIN) this.complain(`write to "${this.name}" failed (${errnoText(error)})`);
    this.failing = true;
  }

  close(): void {
    this.flush();
    if (this.descriptor >= 0) this.kernel.close(this.fd);
    this.fd = -1;
  }
}
