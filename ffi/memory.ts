/**
 * Pinned memory: everything libc reads or writes.
 *
 * A small `new Uint8Array(n)` lives in the garbage-collected heap and is moved behind libc's back; memory that
 * belongs to an ArrayBuffer of its own never moves. So every byte the kernel sees comes from a Block.
 */
import { ptr } from "bun:ffi";
import { encodeName } from "./text.ts";

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

/**
 * Room for one C string, used again for the next: what a path costs is its encoding, 20 ns, not an allocation of 1 us.
 * The address is good until the next text, and only while somebody holds the CString.
 */
export class CString {
  // More than twice PATH_MAX: a text that is cut here is still one that the kernel refuses with ENAMETOOLONG.
  private readonly block = new Block(9000);

  /** Where libc finds `text`, in UTF-8, escaped bytes as themselves (text.ts). No file has a NUL in its name: such a text becomes the empty one, which is ENOENT. */
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

/** A `char *const []` as execve(2) wants it: pointers to texts, NULL behind the last. Used again for the next; the memory grows as needed. */
export class StringVector {
  private block = new Block(8192);
  private readonly starts: number[] = [];

  /** Packs `texts` (octets, one character per byte). False: one has a NUL, which would cut it. The addresses are good until the next call. */
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

  /** Where the vector is. */
  get address(): number {
    return this.block.address;
  }

  /** Where text `i` is. */
  textAddress(i: number): number {
    return this.block.address + this.starts[i]!;
  }
}
