/** A transport of a test: what the peer sends is text given beforehand, what is sent is text to look at. */
import { ERRNO } from "../../../ffi/errno.ts";
import type { Block } from "../../../ffi/memory.ts";
import type { Transport, TransportOwner } from "../../../src/network/transport.ts";

export class TestTransport implements Transport {
  owner: TransportOwner = { onReady() {} };
  readonly fd = -1;
  ended = false;
  broken = false;
  lost = false;
  readable = true;
  writable = true;
  sent = "";
  /** Lengths of the calls that sent something. */
  readonly sends: number[] = [];
  /** Bytes taken before it is full. */
  room = Number.POSITIVE_INFINITY;
  shuts = 0;
  closes = 0;

  /** @param arriving what is received, a piece per call; then there is nothing, or the end where the last piece is "" */
  constructor(private readonly arriving: string[] = []) {}

  watch(): number {
    return 0;
  }

  receive(block: Block, offset: number, length: number): number {
    const piece = this.arriving.shift();
    if (piece === undefined || piece === "") {
      this.readable = false;
      this.ended = piece === "";
      return this.ended ? 0 : -ERRNO.EAGAIN;
    }
    if (piece.length > length) this.arriving.unshift(piece.slice(length));
    return block.bytes.latin1Write(piece, offset, length);
  }

  send(block: Block, offset: number, length: number): number {
    return this.take(block.bytes.latin1Slice(offset, offset + length));
  }

  /** A file is as long as it is asked for, and full of dots. */
  sendFile(_file: number, _position: number, length: number): number {
    return this.take(".".repeat(length));
  }

  private take(text: string): number {
    const taken = Math.min(text.length, this.room);
    this.room -= taken;
    if (taken < text.length) this.writable = false;
    if (taken === 0) return -ERRNO.EAGAIN;
    this.sent += text.slice(0, taken);
    this.sends.push(taken);
    return taken;
  }

  /** There is room again. */
  drain(room = Number.POSITIVE_INFINITY): void {
    this.room = room;
    this.writable = true;
  }

  /** The connection breaks. */
  lose(): void {
    this.lost = true;
  }

  shut(): void {
    this.shuts++;
  }

  close(): void {
    this.closes++;
  }
}
