/** A request's body on its way into the script: complete before the start, or in pieces as the client sends it. */
import { ERRNO } from "../../../ffi/errno.ts";
import type { Kernel } from "../../../ffi/kernel.ts";
import { Block } from "../../../ffi/memory.ts";
import type { Child } from "./child.ts";

/** From where a body in memory is written. */
const scratch = new Block(64 * 1024);

/** A body that is complete already: bytes, or a descriptor that the input closes. null: it comes in pieces, or there is none. */
export type CompleteBody = Buffer | number | null;

export class Input {
  /** A file that is the complete body, until the script has it; else -1. */
  private spool: number;
  /** A complete body that has not all been written. */
  private unwritten: Buffer | null;
  /** The script takes no more now. */
  private full = false;

  /** @param coming the body comes in pieces */
  constructor(
    private readonly kernel: Kernel,
    body: CompleteBody,
    private coming: boolean,
  ) {
    this.spool = typeof body === "number" ? body : -1;
    this.unwritten = Buffer.isBuffer(body) ? body : null;
  }

  /** What the script reads the whole body from; null: a pipe, which is written to. */
  get descriptor(): number | null {
    return this.spool < 0 ? null : this.spool;
  }

  /** More of the body is to come from the client. */
  get pending(): boolean {
    return this.coming;
  }

  /** No more comes. */
  end(): void {
    this.coming = false;
  }

  /** Whether the script waits for what its client has not sent. */
  get waitsForClient(): boolean {
    return this.coming && !this.full;
  }

  /** The script has the file, or will never need it. */
  closeSpool(): void {
    if (this.spool >= 0) this.kernel.close(this.spool);
    this.spool = -1;
  }

  /** Writes block[start, end) of a body that comes: bytes taken. A script that reads no more (EPIPE) is no error: the rest is nobody's. */
  write(child: Child, block: Block, start: number, end: number): number {
    for (let at = start; at < end; ) {
      const n = child.write(block, at, end - at);
      if (n === -ERRNO.EAGAIN) {
        this.full = true;
        return at - start;
      }
      if (n < 0) return end - start;
      at += n;
    }
    return end - start;
  }

  /** There is room again. Writes of a complete body what fits, and ends the script's input behind it. */
  flow(child: Child): void {
    this.full = false;
    while (this.unwritten !== null && this.unwritten.length > 0) {
      const length = this.unwritten.copy(scratch.bytes, 0);
      const n = child.write(scratch, 0, length);
      if (n === -ERRNO.EAGAIN) return;
      this.unwritten = n < 0 ? null : this.unwritten.subarray(n);
    }
    if (!this.coming) child.closeInput();
  }
}
