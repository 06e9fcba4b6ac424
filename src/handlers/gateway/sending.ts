/** Sends one request to a peer: its head, its body with the protocol's framing, its end. Small parts go together in one send. */
import { ERRNO } from "../../../ffi/errno.ts";
import type { Block } from "../../../ffi/memory.ts";
import type { BufferPool } from "../../network/buffers.ts";
import type { Transport } from "../../network/transport.ts";
import type { Conversation } from "./protocol.ts";

/** Most bytes of the body that are put into the block at once; beyond so many bytes the block is sent. */
const PIECE = 32 * 1024;

export class RequestSender {
  /** The request was sent completely. */
  complete = false;
  /** Bytes that the kernel has taken. */
  bytesSent = 0;
  private conversation!: Conversation;
  private transport!: Transport;
  /** Whether the body needs frames. */
  private framed = false;
  /** block.bytes[start, end) is to be sent. */
  private block: Block | null = null;
  private start = 0;
  private end = 0;
  /** What ends the body is in the block, or sent. */
  private ended = false;
  /** The body's file was too short. */
  private truncated = false;

  constructor(private readonly pool: BufferPool) {}

  /** Begins a request: its head will be sent with what is written next, or by `flush`. */
  begin(conversation: Conversation, transport: Transport): void {
    this.release();
    this.conversation = conversation;
    this.transport = transport;
    this.complete = this.ended = this.truncated = false;
    this.framed = conversation.before(1) !== null;
    this.bytesSent = 0;
    this.put(conversation.head);
  }

  /**
   * Takes a piece of the body: block[offset, offset + length). Bytes taken, perhaps not sent yet; -EAGAIN; another -errno: the
   * connection is lost. Call `flush` when no more is to be written now.
   */
  write(block: Block, offset: number, length: number): number {
    if (!this.framed && length >= PIECE) return this.sendDirectly(() => this.transport.send(block, offset, length));
    if (this.end - this.start >= PIECE) {
      const n = this.flush();
      if (n < 0) return n;
    }
    const piece = Math.min(length, PIECE, this.conversation.largestPiece);
    this.put(this.conversation.before(piece));
    const { bytes } = this.room(piece);
    this.end += block.bytes.copy(bytes, this.end, offset, offset + piece);
    this.put(this.conversation.after(piece));
    return piece;
  }

  /** As `write`, from a file. Only where the protocol has no frames. */
  sendFile(file: number, position: number, length: number): number {
    return this.sendDirectly(() => this.transport.sendFile(file, position, length));
  }

  /** Whether `sendFile` may be called. */
  get takesFiles(): boolean {
    return !this.framed;
  }

  /** The body is complete. */
  endInput(): void {
    if (this.ended) return;
    this.ended = true;
    this.put(this.conversation.endOfBody());
  }

  /** Sends what is there. 0: all of it; -EAGAIN: the rest later; another -errno: the connection is lost. */
  flush(): number {
    while (this.end > this.start) {
      const n = this.transport.lost ? -ERRNO.EPIPE : this.sendSome();
      if (n < 0) return n;
    }
    this.complete = this.ended && !this.truncated;
    this.release();
    return 0;
  }

  /** Gives the memory back. */
  release(): void {
    if (this.block !== null) this.pool.release(this.block);
    this.block = null;
    this.start = this.end = 0;
  }

  private sendSome(): number {
    if (!this.transport.writable) return -ERRNO.EAGAIN;
    const n = this.transport.send(this.block!, this.start, this.end - this.start);
    if (n > 0) this.start += n;
    if (n > 0) this.bytesSent += n;
    return n;
  }

  /** Sends what is not in the block, after what is in it. */
  private sendDirectly(send: () => number): number {
    const before = this.flush();
    if (before < 0) return before;
    const n = this.transport.lost ? -ERRNO.EPIPE : this.transport.writable ? send() : -ERRNO.EAGAIN;
    if (n > 0) this.bytesSent += n;
    if (n === 0) this.truncated = true;
    return n;
  }

  private put(bytes: Buffer | null): void {
    if (bytes === null || bytes.length === 0) return;
    const block = this.room(bytes.length);
    this.end += bytes.copy(block.bytes, this.end);
  }

  /** A block with room for `more` bytes behind those that are there. */
  private room(more: number): Block {
    const { block, start, end } = this;
    if (block !== null && end + more <= block.bytes.length) return block;
    const larger = this.pool.take(end - start + more);
    block?.bytes.copy(larger.bytes, 0, start, end);
    this.release();
    this.end = end - start;
    return (this.block = larger);
  }
}
