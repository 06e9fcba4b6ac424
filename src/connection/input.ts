/**
 * What a connection has received and not used yet. Bytes are received into the server's one shared inbox. What is not used within
 * the turn is copied into a block of the connection's own, which is given back as soon as it is used up.
 */
import type { Block } from "../../ffi/memory.ts";
import type { BufferPool } from "../network/buffers.ts";
import type { Transport } from "../network/transport.ts";

/** Bytes that one call asks for while it is not known how many will come: the unused part may have to be kept. */
export const PIECE = 64 * 1024;
/** Most bytes that one call asks for: for the body of an upload (docs/bench.md, upload). */
export const LARGE_PIECE = 1024 * 1024;
/** Most reads of one connection in a turn; then the others are served. */
export const READS_PER_TURN = 16;

export class Input {
  /** What is not used yet: block.bytes[start, end). */
  start = 0;
  end = 0;
  /** All that was received since the connection began, in bytes. */
  bytesReceived = 0;
  private own: Block | null = null;

  /** @param inbox shared by all connections; this one may use it while it is being served */
  constructor(
    private readonly transport: Transport,
    private readonly pool: BufferPool,
    private readonly inbox: Block,
  ) {}

  /** The block with the bytes. Each call below may change it. */
  get block(): Block {
    return this.own ?? this.inbox;
  }

  get isEmpty(): boolean {
    return this.start === this.end;
  }

  /** Receives at most `most` bytes behind those that are there. False: nothing came, the peer has ended its side, or the connection is lost. */
  fill(most = PIECE): boolean {
    if (!this.transport.readable) return false;
    if (this.start === this.end) this.drop();
    else if (this.end === this.block.bytes.length) this.makeRoom();
    const { block } = this;
    const n = this.transport.receive(block, this.end, Math.min(most, block.bytes.length - this.end));
    if (n <= 0) return false;
    this.end += n;
    this.bytesReceived += n;
    return true;
  }

  /** Discards the unused bytes and gives the connection's own block back. */
  drop(): void {
    if (this.own !== null) this.pool.release(this.own);
    this.own = null;
    this.start = this.end = 0;
  }

  /** Copies what is unused out of the shared inbox, which the next connection needs. */
  leaveInbox(): void {
    if (this.own === null && this.start < this.end) this.moveTo(this.end - this.start + 1);
  }

  /** The parser refuses a head beyond its limits, so the block does not grow without bound. */
  private makeRoom(): void {
    const { bytes } = this.block;
    if (this.start === 0) return this.moveTo(2 * bytes.length);
    bytes.copyWithin(0, this.start, this.end);
    this.end -= this.start;
    this.start = 0;
  }

  /** Copies the unused bytes into a block of the connection's own, of at least `size` bytes. */
  private moveTo(size: number): void {
    const block = this.pool.take(size);
    this.block.bytes.copy(block.bytes, 0, this.start, this.end);
    if (this.own !== null) this.pool.release(this.own);
    this.own = block;
    this.end -= this.start;
    this.start = 0;
  }
}
