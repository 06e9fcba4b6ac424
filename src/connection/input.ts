/**
 * What a connection has received and not used yet. Bytes come into the server's one shared inbox; what can't be used within
 * the turn moves into a block of the connection's own, which goes back as soon as it is used up.
 */
import type { Block } from "../../ffi/memory.ts";
import type { BufferPool } from "../network/buffers.ts";
import type { Transport } from "../network/transport.ts";

/** What one call asks for while it is not known how much will come: what is left of it may have to be kept. */
export const PIECE = 64 * 1024;
/** The most that it asks for: a body on its way to a file (docs/bench.md, upload). */
export const LARGE_PIECE = 1024 * 1024;
/** How often a connection may be read in one turn before others get theirs. */
export const READS_PER_TURN = 16;

export class Input {
  /** Not used yet: block.bytes[start, end). */
  start = 0;
  end = 0;
  /** All that was received since the connection began, in bytes. */
  bytesReceived = 0;
  private own: Block | null = null;

  /** @param inbox shared by all connections; this one's until its share of the turn ends */
  constructor(
    private readonly transport: Transport,
    private readonly pool: BufferPool,
    private readonly inbox: Block,
  ) {}

  /** Where the bytes are; another one after each call below. */
  get block(): Block {
    return this.own ?? this.inbox;
  }

  get isEmpty(): boolean {
    return this.start === this.end;
  }

  /** Receives at most `most` bytes behind what is there. False: nothing has come, the peer has ended its side, or the connection is lost. */
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

  /** Forgets what is there and gives the own block back. */
  drop(): void {
    if (this.own !== null) this.pool.release(this.own);
    this.own = null;
    this.start = this.end = 0;
  }

  /** Leaves the shared inbox to the next connection. */
  leaveInbox(): void {
    if (this.own === null && this.start < this.end) this.moveTo(this.end - this.start + 1);
  }

  /** The parser refuses a head beyond its limits, so the block grows only so far. */
  private makeRoom(): void {
    const { bytes } = this.block;
    if (this.start === 0) return this.moveTo(2 * bytes.length);
    bytes.copyWithin(0, this.start, this.end);
    this.end -= this.start;
    this.start = 0;
  }

  /** Puts what is there into an own block of at least `size` bytes. */
  private moveTo(size: number): void {
    const block = this.pool.take(size);
    this.block.bytes.copy(block.bytes, 0, this.start, this.end);
    if (this.own !== null) this.pool.release(this.own);
    this.own = block;
    this.end -= this.start;
    this.start = 0;
  }
}
