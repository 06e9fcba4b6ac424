/**
 * Memory that libc reads or writes; it never moves.
 *
 * A small `new Uint8Array(n)` lives in the garbage-collected heap, and the collector may move it while libc uses its
 * address. Memory that belongs to an ArrayBuffer of its own never moves. So every byte the kernel sees comes from a Block.
 */
import { ptr } from "bun:ffi";
import { encodeName } from "./text.ts";

/** A piece of memory at a fixed address. Its size is `bytes.length`; offsets everywhere are offsets into `bytes`. */
export class Block {
  readonly bytes: Buffer;
  /** Address for libc. Only `ffi/` uses this. */
  readonly address: number;

  /** @param size bytes, at least 1 */
  constructor(size: number) {
    const memory = new ArrayBuffer(size);
    this.bytes = Buffer.from(memory);
    this.address = ptr(new Uint8Array(memory));
  }
}

/**
 * Memory for one C string, reused for each next one: passing a path then costs its encoding (20 ns), not an allocation (1 us).
 * The address is valid until the next call of `of`, and only while the CString is referenced.
 */
export class CString {
  // More than twice PATH_MAX: even after truncation here a text stays too long for the kernel, which answers ENAMETOOLONG.
  private readonly block = new Block(9000);

  /** Writes `text` as UTF-8 (escaped bytes as themselves, see text.ts) and gives its address. A text with a NUL cannot be a file name: it becomes the empty text, and the call gives ENOENT. */
  of(text: string): number {
    const { bytes, address } = this.block;
    const length = text.includes("\0") ? 0 : this.write(text, bytes.length - 1);
    bytes[length] = 0;
    return address;
  }

  private write(text: string, most: number): number {
    const { bytes } = this.block;
    return text.isWellFormed() ? bytes.utf8Write(text, 0, most) : encodeName(text).copy(bytes, 0, 0, most);
  }
}

const POINTER = 8;

/** A `char *const []` as execve(2) wants it: pointers to texts, then NULL. It is reused; the memory grows as needed. */
export class StringVector {
  private block = new Block(8192);
  private readonly starts: number[] = [];

  /** Stores `texts` (octets, one character per byte). False when a text has a NUL, which would cut it. Addresses are valid until the next call. */
  set(texts: readonly string[]): boolean {
    const pointers = POINTER * (texts.length + 1);
    let end = pointers;
    this.starts.length = 0;
    for (const text of texts) {
      if (text.includes("\0")) return false;
      this.starts.push(end);
      end += text.length + 1;
    }
    if (end > this.block.bytes.length) this.block = new Block(2 * end);
    this.write(texts);
    return true;
  }

  private write(texts: readonly string[]): void {
    const { bytes } = this.block;
    for (const [i, text] of texts.entries()) {
      const start = this.starts[i]!;
      bytes.latin1Write(text, start);
      bytes[start + text.length] = 0;
      bytes.writeBigUInt64LE(BigInt(this.textAddress(i)), POINTER * i);
    }
    bytes.writeBigUInt64LE(0n, POINTER * texts.length);
  }

  /** Address of the vector. */
  get address(): number {
    return this.block.address;
  }

  /** Address of text `i`. */
  textAddress(i: number): number {
    return this.block.address + this.starts[i]!;
  }
}
