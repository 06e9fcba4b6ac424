/** Bytes that wait to be read, in pieces. */
import type { Block } from "../../../ffi/memory.ts";

export class Pieces {
  /** Pieces that were not read to their end. More may be appended. */
  readonly list: Buffer[] = [];
  /** Of the list those before this one have been read. */
  private first = 0;
  private position = 0;

  /** Copies at most `length` bytes into `block` at `offset`. Bytes copied. */
  read(block: Block, offset: number, length: number): number {
    let n = 0;
    while (n < length && this.first < this.list.length) {
      const piece = this.list[this.first]!;
      const copied = piece.copy(block.bytes, offset + n, this.position, this.position + length - n);
      n += copied;
      this.position += copied;
      if (this.position === piece.length) this.next();
    }
    return n;
  }

  private next(): void {
    this.first++;
    this.position = 0;
    if (this.first === this.list.length) this.clear();
  }

  clear(): void {
    this.list.length = this.first = this.position = 0;
  }
}
