/**
 * A pool of Blocks. A connection takes one while it has half a request or an unsent reply, and then returns it.
 * Sizes are powers of two, so that a returned Block fits the next user.
 */
import { Block } from "../../ffi/memory.ts";

const SMALLEST = 1024;
/** Most free bytes the pool keeps; Blocks returned beyond that are left to the garbage collector. */
const MOST_KEPT = 4 * 1024 * 1024;

export class BufferPool {
  private readonly free = new Map<number, Block[]>();
  private kept = 0;

  /** A Block of at least `size` bytes, with arbitrary content. */
  take(size: number): Block {
    const rounded = roundUp(size);
    const block = this.free.get(rounded)?.pop();
    if (block === undefined) return new Block(rounded);
    this.kept -= rounded;
    return block;
  }

  /** Returns a Block to the pool; the caller must not use it again. */
  release(block: Block): void {
    const size = block.bytes.length;
    if (this.kept + size > MOST_KEPT) return;
    let list = this.free.get(size);
    if (list === undefined) this.free.set(size, (list = []));
    list.push(block);
    this.kept += size;
  }
}

function roundUp(size: number): number {
  let rounded = SMALLEST;
  while (rounded < size) rounded *= 2;
  return rounded;
}
