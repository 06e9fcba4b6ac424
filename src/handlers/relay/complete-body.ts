/** A request's body that was collected before its source starts (nginx: proxy_request_buffering on). It can be written more than once. */
import { AT_FDCWD } from "../../../ffi/abi.ts";
import { ERRNO } from "../../../ffi/errno.ts";
import type { Block } from "../../../ffi/memory.ts";
import type { HandlerServices } from "../services.ts";
import type { BodyBuffer } from "./body-buffer.ts";
import type { RequestBody } from "./request-body.ts";
import type { ReplySource } from "./source.ts";

/** Bytes read from the file at once. */
const PIECE = 64 * 1024;
/** Bytes after which the source waits for the next turn, so that a fast one does not occupy the server. */
const SHARE_OF_A_TURN = 2 * 1024 * 1024;

export class CompleteBody implements RequestBody {
  readonly pending = false;
  readonly ready = true;
  readonly waitsForClient = false;
  /** Bytes that the source has taken. */
  private position = 0;
  private released = false;

  /**
   * @param memory the body; if there is a file, nothing
   * @param fd a descriptor that reads the file with the body; -1: it is in memory. This object closes it.
   * @param length of the body
   * @param name a file that is removed with the body; "": none
   */
  constructor(
    private readonly services: HandlerServices,
    private readonly memory: BodyBuffer,
    private fd: number,
    readonly length: number,
    private readonly name = "",
  ) {}

  hold(): number {
    return 0;
  }

  end(): void {}

  release(): void {
    this.memory.release();
    const { kernel } = this.services;
    if (this.fd >= 0) kernel.close(this.fd);
    if (this.name !== "" && !this.released) kernel.unlink(AT_FDCWD, this.name);
    this.fd = -1;
    this.released = true;
    this.position = this.length;
  }

  /** Nothing comes behind a complete body. */
  write(_source: ReplySource, _block: Block, start: number, end: number): number {
    return end - start;
  }

  flow(source: ReplySource): boolean {
    const stopAt = this.position + SHARE_OF_A_TURN;
    while (this.position < this.length) {
      if (this.position >= stopAt) return true;
      const n = this.writePiece(source);
      if (n === -ERRNO.EAGAIN) return false;
      if (n <= 0)
        this.position = this.length; // the source takes no more; it may still reply
      else this.position += n;
    }
    source.endInput();
    return false;
  }

  /** Bytes written, perhaps few; -EAGAIN; another -errno, or 0 where the file is too short. */
  private writePiece(source: ReplySource): number {
    if (this.fd < 0) return this.memory.show(this.position, (block, at, length) => source.write(block, at, length));
    if (source.sendFile !== undefined) return source.sendFile(this.fd, this.position, this.length - this.position);
    const { buffers, kernel } = this.services;
    const block = buffers.take(PIECE);
    const n = kernel.read(this.fd, block, 0, Math.min(PIECE, this.length - this.position), this.position);
    const written = n > 0 ? source.write(block, 0, n) : n;
    buffers.release(block);
    return written;
  }

  rewind(): boolean {
    if (!this.released) this.position = 0;
    return !this.released;
  }
}
