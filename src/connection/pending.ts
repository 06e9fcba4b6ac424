/** Bytes that the transport has not taken yet: in a block of the pool, or in the block of a kept reply. */
import type { Block } from "../../ffi/memory.ts";
import type { WholeReply } from "../exchange/reply.ts";
import type { BufferPool } from "../network/buffers.ts";
import type { Transport } from "../network/transport.ts";

export class Pending {
  /** block.bytes[start, end). */
  private block: Block | null = null;
  private start = 0;
  private end = 0;
  /** The reply whose block it is; null: the pool's. */
  private reply: WholeReply | null = null;

  constructor(private readonly pool: BufferPool) {}

  /** Whether it holds no block. */
  get isEmpty(): boolean {
    return this.block === null;
  }

  get length(): number {
    return this.end - this.start;
  }

  /** Holds the first `length` bytes of a kept reply where they are. Only while it is empty. */
  hold(reply: WholeReply, length: number): void {
    this.block = reply.block;
    this.reply = reply;
    this.start = 0;
    this.end = length;
    reply.holders++;
  }

  /** Copies bytes[start, end) behind what is there. */
  append(bytes: Buffer, start: number, end: number): void {
    const block = this.makeRoom(end - start);
    this.end += bytes.copy(block.bytes, this.end, start, end);
  }

  /** Latin1 text, behind what is there. */
  appendText(text: string): void {
    const block = this.makeRoom(text.length);
    this.end += block.bytes.latin1Write(text, this.end);
  }

  /** A block of the pool with room for `length` bytes more. */
  private makeRoom(length: number): Block {
    const { block, start, end } = this;
    if (block !== null && this.reply === null && end + length <= block.bytes.length) return block;
    const larger = this.pool.take(end - start + length);
    block?.bytes.copy(larger.bytes, 0, start, end);
    this.drop();
    this.end = end - start;
    return (this.block = larger);
  }

  /** Sends what it can. As Transport.send; 0 when there is nothing. */
  sendTo(transport: Transport): number {
    if (this.block === null || this.start === this.end) return 0;
    const n = transport.send(this.block, this.start, this.end - this.start);
    if (n > 0) this.start += n;
    return n;
  }

  /** Discards the bytes and gives the block back. */
  drop(): void {
    if (this.reply !== null) this.reply.holders--;
    else if (this.block !== null) this.pool.release(this.block);
    this.block = this.reply = null;
    this.start = this.end = 0;
  }
}
