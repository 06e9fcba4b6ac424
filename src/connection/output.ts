/**
 * What a connection has to send, in this order: bytes that the transport did not take before, the connection's region of the shared
 * outbox, the body in progress. Every send can be short; nothing is sent out of order.
 */
import { ERRNO } from "../../ffi/errno.ts";
import type { ReplyBody, WholeReply } from "../exchange/reply.ts";
import type { BufferPool } from "../network/buffers.ts";
import type { Transport } from "../network/transport.ts";
import { BODY_SENT, type BodyTarget, type OutgoingBody, outgoing } from "./bodies/outgoing-body.ts";
import type { Outbox, Sender } from "./outbox.ts";
import { Pending } from "./pending.ts";

/** Results of `pump`. Everything is sent. */
export const PUMP_DRAINED = 0;
/** The transport takes no more now. */
export const PUMP_BLOCKED = 1;
/** The connection has sent as much as it may in one turn. */
export const PUMP_SHARE_USED = 2;
/** The connection is lost. */
export const PUMP_LOST = 3;
/** The body can't be completed: its file has become shorter, or its stream was broken off. */
export const PUMP_INCOMPLETE = 4;
/** The body is a stream that has nothing to send yet, so the connection does not wait for the client. */
export const PUMP_STARVED = 5;

/** A body up to this size is copied into the outbox and sent together with its head and its neighbours; a larger one is sent from where it is. */
const LARGEST_COPY = 16 * 1024;
/** Bytes one connection may send in a turn. */
const SHARE_OF_A_TURN = 2 * 1024 * 1024;

/** The connection that the output belongs to. */
export interface OutputOwner {
  /** The region that waited for the end of the turn could not be sent completely. */
  onOutputStuck(): void;
}

export class Output implements BodyTarget, Sender {
  /** Bytes the kernel has taken since the connection began. */
  bytesTaken = 0;
  /** The body in progress has nothing to send yet. */
  starved = false;
  private readonly pending: Pending;
  private body: OutgoingBody | null = null;
  /** A region of the outbox waits for the end of the turn. */
  private left = false;

  /** @param outbox shared by all connections; its open region is this one's while it is being served */
  constructor(
    private readonly transport: Transport,
    readonly outbox: Outbox,
    pool: BufferPool,
    private readonly owner: OutputOwner,
  ) {
    this.pending = new Pending(pool);
  }

  /** Bytes written since the connection began, whether the kernel has taken them or not. Valid only while the connection is being served. */
  get bytesWritten(): number {
    return this.bytesTaken + this.pending.length + this.outbox.length;
  }

  /** Everything written so far is in the outbox or sent: another reply may follow. */
  get isDrained(): boolean {
    return this.body === null && this.pending.isEmpty;
  }

  // Writing, while the connection is being served

  /** Latin1 text. */
  writeText(text: string): void {
    if (!this.hasRoom(text.length)) return;
    if (this.pending.isEmpty && this.outbox.room >= text.length) this.outbox.appendText(text);
    else this.pending.appendText(text);
  }

  /** bytes[start, end). */
  write(bytes: Buffer, start: number, end: number): void {
    if (!this.hasRoom(end - start)) return;
    if (this.pending.isEmpty && this.outbox.room >= end - start) this.outbox.append(bytes, start, end);
    else this.pending.append(bytes, start, end);
  }

  /** The first `length` bytes of a kept reply. */
  writeKept(reply: WholeReply, length: number): void {
    if (length > LARGEST_COPY && this.flush()) this.pending.hold(reply, length);
    else this.write(reply.block.bytes, 0, length);
  }

  /** The body of the head just written, as it is; at most one at a time. A small one is sent together with its head. */
  writeBody(body: ReplyBody): void {
    if (Buffer.isBuffer(body) && body.length <= LARGEST_COPY) return this.write(body, 0, body.length);
    this.send(outgoing(body));
  }

  /** As `writeBody`, for a body with a framing of its own. */
  send(body: OutgoingBody | null): void {
    this.body = body;
    if (body?.gathers && this.pending.isEmpty) this.gather(body);
  }

  /** Takes what a stream has already, so that it is sent together with the head. */
  private gather(body: OutgoingBody): void {
    for (let gathered = 0; gathered < LARGEST_COPY && this.outbox.room > 2 * LARGEST_COPY; ) {
      const n = body.step(this, LARGEST_COPY);
      if (n === BODY_SENT) return this.endBody();
      if (n < 0) return; // `pump` gets the same result and handles it
      gathered += n;
    }
  }

  /** Makes room for `length` bytes in the outbox by sending what is there. False: the connection is lost. */
  private hasRoom(length: number): boolean {
    if (this.pending.isEmpty && this.outbox.room >= length) return true;
    this.flush();
    return !this.transport.lost;
  }

  // Sending

  /** Sends what is pending, then the outbox. True: the kernel has taken all of it. */
  flush(): boolean {
    const { outbox, pending, transport } = this;
    if (!pending.isEmpty && !this.flushPending()) return false;
    if (outbox.length === 0) return !transport.lost;
    if (transport.writable && !transport.lost) {
      outbox.start += this.taken(transport.send(outbox.block, outbox.start, outbox.length));
    }
    if (outbox.length > 0 && !transport.lost) pending.append(outbox.block.bytes, outbox.start, outbox.end);
    outbox.clear();
    return pending.isEmpty && !transport.lost;
  }

  /** Sends what is pending. The outbox comes after it. True: all of it was taken. */
  private flushPending(): boolean {
    const { pending, transport } = this;
    if (transport.writable && !transport.lost) this.taken(pending.sendTo(transport));
    if (pending.length > 0 && !transport.lost) return false;
    pending.drop();
    return !transport.lost;
  }

  /** Counts the result of a send: bytes, or 0 for an error. */
  private taken(n: number): number {
    if (n <= 0) return 0;
    this.bytesTaken += n;
    return n;
  }

  /** Sends as much as the transport takes and the connection's share of a turn allows. One of the PUMP constants. */
  pump(): number {
    const outcome = this.sendAll();
    if (outcome === PUMP_BLOCKED) this.body?.blocked?.();
    return outcome;
  }

  private sendAll(): number {
    this.starved = false;
    const stopAt = this.bytesTaken + SHARE_OF_A_TURN;
    for (;;) {
      if (!this.flush()) return this.transport.lost ? PUMP_LOST : PUMP_BLOCKED;
      if (this.body === null) return PUMP_DRAINED;
      if (this.bytesTaken >= stopAt) return PUMP_SHARE_USED;
      if (!this.transport.writable) return PUMP_BLOCKED;
      const n = this.body.step(this, stopAt - this.bytesTaken);
      if (n === BODY_SENT) this.endBody();
      else if (n === -ERRNO.EAGAIN) return this.pause();
      else if (n < 0) return this.transport.lost ? PUMP_LOST : PUMP_INCOMPLETE;
    }
  }

  /** After -EAGAIN of a body: tells whether the transport is full or the stream has nothing. */
  private pause(): number {
    this.starved = this.transport.writable;
    return this.starved ? PUMP_STARVED : PUMP_BLOCKED;
  }

  sendFile(file: number, position: number, length: number): number {
    const n = this.transport.sendFile(file, position, length);
    this.taken(n);
    return n;
  }

  private endBody(): void {
    this.body?.release();
    this.body = null;
  }

  // After serving, and at the end of the turn

  /** Keeps what is in the outbox until the end of the turn, if the transport is writable; else sends now. */
  leave(): void {
    if (!this.transport.writable || !this.pending.isEmpty) {
      this.flush();
      return;
    }
    this.left = true;
    this.outbox.leave(this);
  }

  sendRegion(start: number, end: number): void {
    if (!this.left) return;
    this.left = false;
    const { outbox, pending, transport } = this;
    const sent = this.taken(transport.send(outbox.block, start, end - start));
    if (!transport.lost && sent < end - start) pending.append(outbox.block.bytes, start + sent, end);
    if (transport.lost || !pending.isEmpty) this.owner.onOutputStuck();
  }

  /** Sends the region that waits for the end of the turn, because more is to be written behind it. */
  catchUp(): void {
    if (this.left) this.outbox.sendRegions();
  }

  /** Discards what was not sent and gives its memory back. */
  drop(): void {
    this.left = false;
    this.outbox.clear();
    this.pending.drop();
    this.endBody();
  }
}
