/** A reply body that is changed while it is sent. */
import { ERRNO } from "../../../ffi/errno.ts";
import type { Block } from "../../../ffi/memory.ts";
import type { StreamBody } from "../../exchange/reply.ts";
import type { BufferPool } from "../../network/buffers.ts";
import type { Source } from "../compression/sources.ts";
import { Pieces } from "./pieces.ts";
import type { Transform } from "./transform.ts";

/** Bytes of one read of the source. What they become may be many times as long, and waits in memory. */
const PIECE = 16 * 1024;
/** Most reads in a row that give nothing to send. */
const READS = 16;

export class TransformedStream implements StreamBody {
  readonly kind = "stream";
  private readonly out = new Pieces();
  private ended = false;
  /** -errno with which it was broken off: every further read gives it again. */
  private failure = 0;

  /**
   * @param length -1: unknown
   * @param wake called if it must wait for the next turn of the loop
   */
  constructor(
    private readonly source: Source,
    private readonly transform: Transform,
    readonly length: number,
    private readonly pool: BufferPool,
    private readonly wake: () => void,
  ) {}

  read(block: Block, offset: number, length: number): number {
    for (let reads = 0; reads < READS && this.failure === 0; reads++) {
      const n = this.out.read(block, offset, length);
      if (n > 0 || this.ended) return n;
      const failure = this.fill();
      if (failure === -ERRNO.EAGAIN) return failure;
      this.failure = failure;
    }
    if (this.failure < 0) return this.failure;
    this.wake();
    return -ERRNO.EAGAIN;
  }

  /** Reads a piece of the source. 0, or -errno. */
  private fill(): number {
    const { pool, transform, out } = this;
    const block = pool.take(PIECE);
    const n = this.source.read(block, 0, PIECE);
    if (n > 0) transform.feed(Buffer.from(block.bytes.subarray(0, n)), out.list);
    pool.release(block);
    if (n === 0) this.end();
    return Math.min(n, 0);
  }

  private end(): void {
    this.ended = true;
    this.transform.end(this.out.list);
  }

  readAhead(): void {
    this.source.readAhead?.();
  }

  close(): void {
    this.out.clear();
    this.source.close();
  }
}
