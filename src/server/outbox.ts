/**
 * Where replies are put together before they are sent: one Block for the whole server, used by one client at a time and
 * empty between two. Consecutive small replies leave it with one send(2).
 */
import { Block } from "../../ffi/memory.ts";

const CAPACITY = 64 * 1024;

export class Outbox {
  readonly block = new Block(CAPACITY);
  /** The bytes still to be sent are block[start, end). */
  start = 0;
  end = 0;

  get length(): number {
    return this.end - this.start;
  }

  get room(): number {
    return CAPACITY - this.end;
  }

  /** Appends bytes[start, end), which must fit. */
  append(bytes: Uint8Array, start: number, end: number): void {
    if (start === 0 && end === bytes.length) this.block.bytes.set(bytes, this.end);
    else this.block.bytes.set(bytes.subarray(start, end), this.end);
    this.end += end - start;
  }

  /** Appends latin1 text, which must fit. */
  appendText(text: string): void {
    this.end += this.block.bytes.latin1Write(text, this.end);
  }

  clear(): void {
    this.start = this.end = 0;
  }
}
