/** Bytes of a request's body in memory. The block grows as bytes arrive, so that an announced length alone costs nothing. */
import type { Block } from "../../../ffi/memory.ts";
import type { BufferPool } from "../../network/buffers.ts";

export class BodyBuffer {
  private block: Block | null = null;
  private start = 0;
  private end = 0;

  constructor(private readonly pool: BufferPool) {}

  /** Bytes in it. */
  get length(): number {
    return this.end - this.start;
  }

  /** Copies source[start, end) behind the bytes that are there. */
  append(source: Block, start: number, end: number): void {
    if (start === end) return;
    const block = this.room(end - start);
    source.bytes.copy(block.bytes, this.end, start, end);
    this.end += end - start;
  }

  /**
   * Passes the bytes to `write` until it has taken all; then gives the memory back and returns 0. If `write` returns -errno, that
   * is returned and the bytes not taken stay.
   */
  drain(write: (block: Block, offset: number, length: number) => number): number {
    while (this.block !== null && this.length > 0) {
      const n = write(this.block, this.start, this.length);
      if (n < 0) return n;
      this.start += n;
    }
    this.release();
    return 0;
  }

  /** Passes the bytes behind the first `skip` to `write`, once; they stay. What `write` returns. */
  show(skip: number, write: (block: Block, offset: number, length: number) => number): number {
    return this.block === null ? 0 : write(this.block, this.start + skip, this.length - skip);
  }

  /** The bytes as octets. */
  text(): string {
    return this.block?.bytes.latin1Slice(this.start, this.end) ?? "";
  }

  /** Discards the bytes and gives the memory back. */
  release(): void {
    if (this.block !== null) this.pool.release(this.block);
    this.block = null;
    this.start = this.end = 0;
  }

  /** A block with room for `more` bytes behind those that are there. */
  private room(more: number): Block {
    const before = this.block;
    if (before !== null && this.end + more <= before.bytes.length) return before;
    const { length } = this;
    const block = this.pool.take(Math.max(length + more, 2 * length));
    before?.bytes.copy(block.bytes, 0, this.start, this.end);
    this.release();
    this.block = block;
    this.end = length;
    return block;
  }
}
