/** A request's body on its way to a source. */
import { ERRNO } from "../../../ffi/errno.ts";
import type { Block } from "../../../ffi/memory.ts";
import type { BodyBuffer } from "./body-buffer.ts";
import type { ReplySource } from "./source.ts";

export interface RequestBody {
  /** Whether more of the body is to come from the client. */
  readonly pending: boolean;
  /** Whether enough has come for the source to start. */
  readonly ready: boolean;
  /** Whether the source waits for the client. */
  readonly waitsForClient: boolean;
  /** Before the source starts: keeps what it can of block[start, end). Bytes taken. */
  hold(block: Block, start: number, end: number): number;
  /** No more comes. */
  end(): void;
  /** Discards what is held. */
  release(): void;
  /** Writes block[start, end). Bytes taken. A source that reads no more (EPIPE) is not an error: then the rest is discarded. */
  write(source: ReplySource, block: Block, start: number, end: number): number;
  /**
   * The source has room: writes what is held as far as it fits; after a complete body ends the source's input. True: it has written
   * as much as it may in one turn, and is to be called again in the next one.
   */
  flow(source: ReplySource): boolean;
  /** The source starts anew, with another peer: the body is to be written from its beginning again. False: that is not possible. */
  rewind(): boolean;
}

/** The body of a request that has none. */
export const NO_BODY: RequestBody = {
  pending: false,
  ready: true,
  waitsForClient: false,
  hold: () => 0,
  end() {},
  release() {},
  write: (_source, _block, start, end) => end - start,
  flow(source) {
    source.endInput();
    return false;
  },
  rewind: () => true,
};

/**
 * Passes a body on while it comes. Its beginning is held in memory before the source starts, so that a client that announces a body
 * and does not send it occupies no process.
 */
export class StreamedBody implements RequestBody {
  /** The source has no room now. */
  private full = false;
  /** The source has taken a part of it, which is not kept. */
  private begun = false;

  /**
   * @param held bytes that are not written yet
   * @param coming whether more comes from the client
   * @param most bytes; the source starts when so many are held, or when the body is complete
   */
  constructor(
    private readonly held: BodyBuffer,
    private coming: boolean,
    private readonly most: number,
  ) {}

  get pending(): boolean {
    return this.coming;
  }

  get ready(): boolean {
    return !this.coming || this.held.length >= this.most;
  }

  get waitsForClient(): boolean {
    return this.coming && !this.full;
  }

  hold(block: Block, start: number, end: number): number {
    const taken = Math.min(end - start, this.most - this.held.length);
    this.held.append(block, start, start + taken);
    return taken;
  }

  end(): void {
    this.coming = false;
  }

  release(): void {
    this.held.release();
  }

  write(source: ReplySource, block: Block, start: number, end: number): number {
    if (this.held.length > 0) return 0; // `flow` writes what is held first, as soon as there is room
    for (let at = start; at < end; ) {
      const n = source.write(block, at, end - at);
      if (n === -ERRNO.EAGAIN) {
        this.full = true;
        return at - start;
      }
      if (n < 0) return end - start;
      this.begun = true;
      at += n;
    }
    return end - start;
  }

  flow(source: ReplySource): boolean {
    const n = this.held.drain((block, offset, length) => this.writeSome(source, block, offset, length));
    this.full = n === -ERRNO.EAGAIN;
    if (this.full) return false;
    this.held.release();
    if (!this.coming) source.endInput();
    return false;
  }

  private writeSome(source: ReplySource, block: Block, offset: number, length: number): number {
    const n = source.write(block, offset, length);
    if (n > 0) this.begun = true;
    return n;
  }

  rewind(): boolean {
    this.full = false;
    return !this.begun;
  }
}
