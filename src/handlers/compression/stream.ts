/**
 * A reply body that is compressed while it is sent. When its source has nothing more for the moment, all output is flushed, so that
 * the first lines of a slow script arrive at once.
 */
import { ERRNO } from "../../../ffi/errno.ts";
import type { Block } from "../../../ffi/memory.ts";
import type { StreamBody } from "../../exchange/reply.ts";
import { type Compressor, END, FLUSH, type Flush, MORE } from "./compressor.ts";
import type { Method } from "./method.ts";
import type { Source } from "./sources.ts";
import type { CompressionWork } from "./work.ts";

const NOTHING = Buffer.alloc(0);

export class CompressedStream implements StreamBody {
  readonly kind = "stream";
  readonly length = -1;
  /** Bytes from the source that are not compressed yet: input[start, end). Between calls they are in a block of this object. */
  private input: Buffer = NOTHING;
  private start = 0;
  private end = 0;
  /** Bytes compressed since the last flush. */
  private gathered = 0;
  private flush: Flush = MORE;
  private finished = false;

  /** @param wake called if it must wait for the next turn of the loop */
  constructor(
    private readonly source: Source,
    private readonly compressor: Compressor,
    private readonly method: Method,
    private readonly work: CompressionWork,
    private readonly wake: () => void,
  ) {}

  read(block: Block, offset: number, length: number): number {
    while (!this.finished) {
      if (!this.compressor.full && this.start === this.end) {
        const n = this.fill(length);
        if (n < 0) return n;
      }
      const n = this.compress(block, offset, length);
      if (n > 0) return n;
    }
    return 0;
  }

  readAhead(): void {
    this.source.readAhead?.();
  }

  close(): void {
    this.source.close();
    this.work.close(this.compressor, this.method);
    this.work.leave(this);
    this.input = NOTHING;
  }

  /** Reads the next piece from the source, and decides how it is compressed. 0, or -errno. */
  private fill(room: number): number {
    if (!this.work.mayStep(this, this.method)) {
      this.wake();
      return -ERRNO.EAGAIN;
    }
    const { scratch } = this.work;
    const n = this.source.read(scratch, 0, Math.min(this.method.slice, room));
    if (n < 0 && (n !== -ERRNO.EAGAIN || this.gathered === 0)) return n;
    this.input = scratch.bytes;
    this.start = 0;
    this.end = Math.max(0, n);
    this.gathered += this.end;
    this.flush = n === 0 ? END : n < 0 || this.gathered >= this.method.gathers ? FLUSH : MORE;
    return 0;
  }

  /** Bytes written; may be 0. */
  private compress(block: Block, offset: number, room: number): number {
    const { compressor } = this;
    const before = compressor.bytesOut;
    this.start += compressor.run(this.input, this.start, this.end, block.bytes, offset, room, this.flush);
    if (this.start < this.end) this.keepInput();
    else if (!compressor.full) this.complete();
    return compressor.bytesOut - before;
  }

  private complete(): void {
    this.input = NOTHING;
    this.start = this.end = 0;
    if (this.flush !== MORE) this.gathered = 0;
    this.finished = this.flush === END;
  }

  /** Copies the rest out of the scratch block, which the next call overwrites. */
  private keepInput(): void {
    if (this.input !== this.work.scratch.bytes) return;
    this.input = Buffer.from(this.input.subarray(this.start, this.end));
    this.end -= this.start;
    this.start = 0;
  }
}
