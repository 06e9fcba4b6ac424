/**
 * The sending half of a client: the outbox, then what the socket did not take of it, then the body of the reply in
 * progress. Every send can be short; nothing is ever sent out of order.
 */
import { ERRNO } from "../../ffi/errno.ts";
import type { Kernel } from "../../ffi/kernel.ts";
import type { Block } from "../../ffi/memory.ts";
import type { ReplyBody, WholeReply } from "../exchange/reply.ts";
import type { BufferPool } from "../network/buffers.ts";
import type { Reactor } from "../network/reactor.ts";
import { Stream } from "../network/stream.ts";
import type { Outbox, Sender } from "./outbox.ts";
import { BODY_SENT, type BodyTarget, type OutgoingBody, outgoing } from "./reply-body.ts";

/** How pumping ended. */
export const PUMP_DRAINED = 0;
/** The socket takes no more now. */
export const PUMP_BLOCKED = 1;
/** The client's share of this turn is used. */
export const PUMP_SHARE_USED = 2;
/** The connection is lost. */
export const PUMP_LOST = 3;
/** The body can't be completed: its file has become shorter, or its stream broke off. */
export const PUMP_INCOMPLETE = 4;
/** The body is a stream that has nothing yet: it is not the client who is waited for. */
export const PUMP_STARVED = 5;

const CONNECTION_ERRORS: readonly number[] = [ERRNO.EPIPE, ERRNO.ECONNRESET, ERRNO.ETIMEDOUT];

/** A whole reply up to this size is copied and goes out with its neighbours; a larger one is sent from where it is. */
const LARGEST_COPY = 16 * 1024;
/** The empty line that ends a head. */
const CRLF = 2;
/** Bytes one client may send in a turn. */
const SHARE_OF_A_TURN = 2 * 1024 * 1024;

export abstract class Writer extends Stream implements BodyTarget, Sender {
  /** What the socket did not take: pending.bytes[pendingStart, pendingEnd). */
  private pending: Block | null = null;
  private pendingStart = 0;
  private pendingEnd = 0;
  /** The reply whose Block `pending` is; null when it is the pool's. */
  private pendingReply: WholeReply | null = null;
  private body: OutgoingBody | null = null;
  /** Bytes the kernel has taken of this connection's replies. */
  bytesTaken = 0;
  /** The body in progress has nothing to send yet. */
  protected starved = false;
  /** A send failed, and with it the connection. */
  protected lost = false;
  /** A region of the outbox is to be sent at the end of the turn. */
  private left = false;

  constructor(
    kernel: Kernel,
    reactor: Reactor,
    fd: number,
    readonly outbox: Outbox,
    protected readonly pool: BufferPool,
  ) {
    super(kernel, reactor, fd);
  }

  /** Bytes handed in so far, whether the kernel has taken them or not. */
  get bytesWritten(): number {
    return this.bytesTaken + this.pendingEnd - this.pendingStart + this.outbox.length;
  }

  /** Everything handed in so far is in the outbox or sent: another reply may follow. */
  get drained(): boolean {
    return this.pending === null && this.body === null;
  }

  /** The body that follows the head just written; at most one at a time. A small one leaves with its head. */
  protected writeBody(body: ReplyBody, chunked: boolean): void {
    if (Buffer.isBuffer(body) && body.length <= LARGEST_COPY) return this.writeBytes(body, 0, body.length);
    this.body = outgoing(body, chunked);
    if (this.body?.gathers && this.pending === null) this.gather(this.body);
  }

  /** What a stream has to give already leaves with the head, its end included if that has come, too. */
  private gather(body: OutgoingBody): void {
    for (let gathered = 0; gathered < LARGEST_COPY && this.outbox.room > 2 * LARGEST_COPY; ) {
      const n = body.step(this, LARGEST_COPY);
      if (n === BODY_SENT) return this.endBody();
      if (n < 0) return; // `pump` will learn it again
      gathered += n;
    }
  }

  protected writeText(text: string): void {
    if (!this.reserve(text.length)) return;
    if (this.pending === null) this.outbox.appendText(text);
    else this.pendingEnd += this.pending.bytes.latin1Write(text, this.pendingEnd);
  }

  /** A complete reply, or its head alone, with one more field line (`connection`, "" for none) at the end of the head. */
  protected writeWhole(reply: WholeReply, headOnly: boolean, connection: string): void {
    const { block, headLength } = reply;
    const length = headOnly ? headLength : reply.length;
    if (connection === "") {
      if (length > LARGEST_COPY && this.flush()) return this.hold(reply, length);
      return this.writeBytes(block.bytes, 0, length);
    }
    this.writeBytes(block.bytes, 0, headLength - CRLF);
    this.writeText(`${connection}\r\n`);
    this.writeBytes(block.bytes, headLength, length);
  }

  /** bytes[start, end). */
  private writeBytes(bytes: Buffer, start: number, end: number): void {
    if (!this.reserve(end - start)) return;
    if (this.pending === null) return this.outbox.append(bytes, start, end);
    this.pendingEnd += bytes.copy(this.pending.bytes, this.pendingEnd, start, end);
  }

  private hold(reply: WholeReply, length: number): void {
    this.pending = reply.block;
    this.pendingReply = reply;
    this.pendingStart = 0;
    this.pendingEnd = length;
    reply.holders++;
  }

  /** Leaves what is in the outbox to the end of the turn, if the socket seems to take it then. */
  protected leaveOutput(): void {
    if (!this.writable || this.pending !== null) {
      this.flush();
      return;
    }
    this.left = true;
    this.outbox.leave(this);
  }

  sendRegion(start: number, end: number): void {
    if (!this.left) return;
    this.left = false;
    const sent = this.taken(this.transmit(this.outbox.block, start, end - start));
    if (!this.lost && sent < end - start) this.keepRest(start + sent, end);
    if (this.lost || this.pending !== null) this.onOutputStuck();
  }

  /** What was left to the end of the turn could not all be sent. */
  protected abstract onOutputStuck(): void;

  /** Sends what was left to the end of the turn: something is to follow it. */
  protected catchUp(): void {
    if (this.left) this.outbox.sendRegions();
  }

  /** Makes room for `length` bytes in the outbox or, when the socket is full, behind what it has not taken. False: lost. */
  private reserve(length: number): boolean {
    if (this.pending === null && this.outbox.room >= length) return true;
    if (this.flush() && this.outbox.room >= length) return true;
    if (this.lost) return false;
    this.growPending(length);
    return true;
  }

  private growPending(length: number): void {
    const old = this.pending ?? this.pool.take(length);
    const used = this.pendingEnd - this.pendingStart;
    if (this.pendingReply === null && this.pendingEnd + length <= old.bytes.length) {
      this.pending = old;
      return;
    }
    const larger = this.pool.take(used + length);
    old.bytes.copy(larger.bytes, 0, this.pendingStart, this.pendingEnd);
    this.dropPending();
    this.pending = larger;
    this.pendingStart = 0;
    this.pendingEnd = used;
  }

  /** Sends what is pending and the outbox. True: all of it is the kernel's now. */
  protected flush(): boolean {
    if (this.pending !== null && !this.flushPending()) return false;
    const { outbox } = this;
    if (outbox.length === 0) return !this.lost;
    if (this.writable && !this.lost) {
      outbox.start += this.taken(this.transmit(outbox.block, outbox.start, outbox.length));
    }
    if (outbox.length > 0 && !this.lost) this.keepRest(outbox.start, outbox.end);
    outbox.clear();
    return this.pending === null && !this.lost;
  }

  private flushPending(): boolean {
    // A body is never pumped while something is pending, so the outbox has nothing to be sent before it.
    const length = this.pendingEnd - this.pendingStart;
    if (this.writable && !this.lost && length > 0) {
      this.pendingStart += this.taken(this.transmit(this.pending!, this.pendingStart, length));
    }
    if (this.pendingStart < this.pendingEnd && !this.lost) return false;
    this.dropPending();
    return !this.lost;
  }

  /** The count of a send's result; any error but a full socket loses the connection. */
  private taken(n: number): number {
    if (n > 0) this.bytesTaken += n;
    else if (n !== -ERRNO.EAGAIN) this.lost = true;
    return Math.max(0, n);
  }

  /** Keeps what the socket did not take: the outbox's block[start, end). */
  private keepRest(start: number, end: number): void {
    this.pending = this.pool.take(end - start);
    this.outbox.block.bytes.copy(this.pending.bytes, 0, start, end);
    this.pendingStart = 0;
    this.pendingEnd = end - start;
  }

  private dropPending(): void {
    if (this.pendingReply !== null) this.pendingReply.holders--;
    else if (this.pending !== null) this.pool.give(this.pending);
    this.pending = this.pendingReply = null;
    this.pendingStart = this.pendingEnd = 0;
  }

  /** Sends as much as the socket takes and the client's share of a turn allows. */
  protected pump(): number {
    this.starved = false;
    const stopAt = this.bytesTaken + SHARE_OF_A_TURN;
    for (;;) {
      if (!this.flush()) return this.lost ? PUMP_LOST : PUMP_BLOCKED;
      if (this.body === null) return PUMP_DRAINED;
      if (this.bytesTaken >= stopAt) return PUMP_SHARE_USED;
      if (!this.writable) return PUMP_BLOCKED;
      const n = this.body.step(this, stopAt - this.bytesTaken);
      if (n === BODY_SENT) this.endBody();
      else if (n === -ERRNO.EAGAIN) return this.outputPause();
      else if (n < 0) return CONNECTION_ERRORS.includes(-n) ? PUMP_LOST : PUMP_INCOMPLETE;
    }
  }

  /** -EAGAIN of a body: the socket said it, or the stream. */
  private outputPause(): number {
    this.starved = this.writable;
    return this.starved ? PUMP_STARVED : PUMP_BLOCKED;
  }

  override transmitFile(file: number, position: number, length: number): number {
    const n = super.transmitFile(file, position, length);
    if (n > 0) this.bytesTaken += n;
    return n;
  }

  private endBody(): void {
    this.body?.release();
    this.body = null;
  }

  /** Forgets what was not sent and gives back what was borrowed. */
  protected dropOutput(): void {
    this.left = false;
    this.outbox.clear();
    this.dropPending();
    this.endBody();
  }
}
