/**
 * A request's body on its way into a source. Its beginning is held in memory before the source starts: a body of which
 * nothing comes must not keep a process or a connection (nginx: proxy_request_buffering).
 */
import { ERRNO } from "../../../ffi/errno.ts";
import type { Block } from "../../../ffi/memory.ts";
import type { BodyBuffer } from "./body-buffer.ts";
import type { ReplySource } from "./source.ts";

export class RequestBody {
  /** The source takes no more now. */
  private full = false;

  /**
   * @param held what is there already and not yet written
   * @param coming more comes from the client
   * @param most the source starts when so many bytes are held, if the body has not ended before
   */
  constructor(
    private readonly held: BodyBuffer,
    private coming: boolean,
    private readonly most: number,
  ) {}

  /** More of the body is to come from the client. */
  get pending(): boolean {
    return this.coming;
  }

  /** Enough has come for the source to start. */
  get ready(): boolean {
    return !this.coming || this.held.length >= this.most;
  }

  /** Whether the source waits for what the client has not sent. */
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

  /** What is held is nobody's any more. */
  release(): void {
    this.held.release();
  }

  /** Writes block[start, end): bytes taken. A source that reads no more (EPIPE) is no error: the rest is nobody's. */
  write(source: ReplySource, block: Block, start: number, end: number): number {
    if (this.held.length > 0) return 0; // that goes first; `flow` writes it as soon as there is room
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

  /** The source has room: writes of what is held as much as fits, and ends the source's input behind a complete body. */
  flow(source: ReplySource): void {
    const n = this.held.drain((block, offset, length) => source.write(block, offset, length));
    this.full = n === -ERRNO.EAGAIN;
    if (this.full) return;
    this.held.release();
    if (!this.coming) source.endInput();
  }
}
