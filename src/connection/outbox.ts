/**
 * Where replies are put together before they are sent: one Block for the whole server. The connection that is being served
 * appends to the region behind all others. What it leaves there is sent at the end of the turn. Consecutive small replies of a
 * connection are sent with one send(2), and all sends of a turn follow each other, which uses the processor's caches better than
 * alternating with receives: 0.93x the CPU per request in bench/floor.ts.
 */
import { Block } from "../../ffi/memory.ts";

const CAPACITY = 1024 * 1024;
/** Bytes that are always free for the connection being served. */
const REGION = 128 * 1024;

/** The owner of a region that waits for the end of the turn. */
export interface Sender {
  /** Sends block[start, end), now. */
  sendRegion(start: number, end: number): void;
}

export class Outbox {
  readonly block = new Block(CAPACITY);
  /** The region of the connection being served: block[start, end). */
  start = 0;
  end = 0;
  /** The regions that wait: their owners and starts. `base`: the end of the last one. */
  private readonly senders: Sender[] = [];
  private readonly starts: number[] = [];
  private base = 0;

  get length(): number {
    return this.end - this.start;
  }

  get room(): number {
    return CAPACITY - this.end;
  }

  /** Appends bytes[start, end), which must fit. */
  append(bytes: Buffer, start: number, end: number): void {
    if (start === 0 && end === bytes.length) this.block.bytes.set(bytes, this.end);
    else bytes.copy(this.block.bytes, this.end, start, end);
    this.end += end - start;
  }

  /** Appends latin1 text, which must fit. */
  appendText(text: string): void {
    this.end += this.block.bytes.latin1Write(text, this.end);
  }

  /** Empties the region of the connection being served. */
  clear(): void {
    this.start = this.end = this.base;
  }

  /** Keeps the region until the end of the turn, when `sender` sends it. */
  leave(sender: Sender): void {
    this.senders.push(sender);
    this.starts.push(this.start);
    this.base = this.start = this.end;
    if (this.room < REGION) this.sendRegions();
  }

  /** Sends all regions that wait. The region of the connection being served must be empty. */
  sendRegions(): void {
    const { senders, starts } = this;
    for (let i = 0; i < senders.length; i++) senders[i]!.sendRegion(starts[i]!, starts[i + 1] ?? this.base);
    senders.length = starts.length = 0;
    this.base = 0;
    this.clear();
  }
}
