/**
 * The receiving half of a client: bytes come into the server's one shared inbox; what can't be used within the turn moves
 * into a block of the client's own, which goes back as soon as it is used up.
 */
import { ERRNO } from "../../ffi/errno.ts";
import type { Kernel } from "../../ffi/kernel.ts";
import type { Block } from "../../ffi/memory.ts";
import type { BufferPool } from "../network/buffers.ts";
import type { Reactor } from "../network/reactor.ts";
import type { Outbox } from "./outbox.ts";
import { Writer } from "./writer.ts";

/** What one recv(2) asks for while it is not known how much will come: what is left of it may have to be kept. */
export const PIECE = 64 * 1024;
/** The most that it asks for: a body on its way to a file (docs/bench.md, upload). */
export const LARGE_PIECE = 1024 * 1024;
/** How often a client may be read in one turn before others get theirs. */
export const READS_PER_TURN = 16;

export abstract class Reader extends Writer {
  /** Received and not used yet: input.bytes[inputStart, inputEnd). */
  protected inputStart = 0;
  protected inputEnd = 0;
  protected bytesReceived = 0;
  private own: Block | null = null;

  constructor(
    kernel: Kernel,
    reactor: Reactor,
    fd: number,
    outbox: Outbox,
    pool: BufferPool,
    private readonly inbox: Block,
  ) {
    super(kernel, reactor, fd, outbox, pool);
  }

  protected get input(): Block {
    return this.own ?? this.inbox;
  }

  /**
   * Receives at most `most` bytes behind what is there. False: nothing has come, the peer has ended its side, or the
   * connection is lost.
   */
  protected fill(most = PIECE): boolean {
    if (!this.readable) return false;
    if (this.inputStart === this.inputEnd) this.giveInput();
    else if (this.inputEnd === this.input.bytes.length) this.makeRoom();
    const { input } = this;
    const n = this.receive(input, this.inputEnd, Math.min(most, input.bytes.length - this.inputEnd));
    if (n < 0 && n !== -ERRNO.EAGAIN) this.lost = true;
    if (n <= 0) return false;
    this.inputEnd += n;
    this.bytesReceived += n;
    return true;
  }

  /** Forgets what is there and gives the own block back. */
  protected giveInput(): void {
    if (this.own !== null) this.pool.give(this.own);
    this.own = null;
    this.inputStart = this.inputEnd = 0;
  }

  /** Leaves the shared inbox to the next client. */
  protected keepInput(): void {
    if (this.own === null && this.inputStart < this.inputEnd) this.moveInput(this.inputEnd - this.inputStart + 1);
  }

  /** The parser refuses a head beyond its limits, so the block grows only so far. */
  private makeRoom(): void {
    if (this.inputStart === 0) return this.moveInput(2 * this.input.bytes.length);
    this.input.bytes.copyWithin(0, this.inputStart, this.inputEnd);
    this.inputEnd -= this.inputStart;
    this.inputStart = 0;
  }

  /** Puts what is there into an own block of at least `size` bytes. */
  private moveInput(size: number): void {
    const block = this.pool.take(size);
    this.input.bytes.copy(block.bytes, 0, this.inputStart, this.inputEnd);
    if (this.own !== null) this.pool.give(this.own);
    this.own = block;
    this.inputEnd -= this.inputStart;
    this.inputStart = 0;
  }
}
