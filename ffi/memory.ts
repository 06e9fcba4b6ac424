/**
 * Pinned memory: everything libc reads or writes.
 *
 * A small `new Uint8Array(n)` lives in the garbage-collected heap and is moved behind libc's back; memory that
 * belongs to an ArrayBuffer of its own never moves. So every byte the kernel sees comes from a Block.
 */
import { ptr } from "bun:ffi";

/** A piece of memory at a fixed address. `bytes.length` is its size; offsets everywhere are into `bytes`. */
export class Block {
  readonly bytes: Buffer;
  /** Where libc finds it. Only `ffi/linux.ts` uses this. */
  readonly address: number;

  /** @param size bytes, at least 1 */
  constructor(size: number) {
    const memory = new ArrayBuffer(size);
    this.bytes = Buffer.from(memory);
    this.address = ptr(new Uint8Array(memory));
  }
}

/** A Block that holds `text` as a C string in UTF-8. The text must not contain NUL: callers refuse such names earlier. */
export function cString(text: string): Block {
  const length = Buffer.byteLength(text, "utf8");
  const block = new Block(length + 1);
  block.bytes.write(text, 0, "utf8");
  return block;
}
