/**
 * Passes a request's body to a source. Its beginning is held in memory before the source starts, so that a client that announces
 * a body and does not send it occupies no process (nginx: proxy_request_buffering).
 */
import { ERRNO } from "../../../ffi/errno.ts";
import type { Block } from "../../../ffi/memory.ts";
import type { BodyBuffer } from "./body-buffer.ts";
import type { ReplySource } from "./source.ts";

export class RequestBody {
  /** The source has no room now. */
  private full = false;

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

  /** Whether more of the body is to come from the client. */
  get pending(): boolean {
    return this.coming;
  }

  /** Whether enough has come for the source to start. */
  get ready(): boolean {
    return !this.coming || this.held.length >= this.most;
  }

  /** Whether the source waits for the client. */
  get waitsForClient(): boolean {
    return this.coming && !this.full;
  }

  /** Before the source starts: keeps what it can of block[start, end). Bytes taken. */
  hold(block: Block, start: number, end: number): number {
    const taken = Math.min(end - start, this.most - this.held.length);
    this.held.append(block, start, start + taken);
    return taken;
  }

  /** No more comes. */
  end(): void {
    this.coming = false;
  }

  /** Discards what is held. */
  release(): void {
    this.held.release();
  }

  /** Writes block[start, end). Bytes taken. A source that reads no more (EPIPE) is not an error: then the rest is discarded. */
  write(source: ReplySource, block: Block, start: number, end: number): number {
    if (this.held.length > 0) return 0; // `flow` writes what is held first, as soon as there is room
    for (let at = start; at < end; ) {
      const n = source.write(block, at, end - at);
      if (n === -ERRNO.EAGAIN) {
        this.full = true;
        return at - start;
      }
      if (n < 0) return end - start;
      at += n;
    }
    return end - start;
  }

  /** The source has room: writes what is held as far as it fits; after a complete body ends the source's input. */
  flow(source: ReplySource): void {
    const n = this.held.drain((block, offset, length) => source.write(block, offset, length));
    this.full = n === -ERRNO.EAGAIN;
    if (this.full) return;
    this.held.release();
    if (!this.coming) source.endInput();
  }
}
