/**
 * The framing of a request body (RFC 9112 §6-§7): Content-Length or chunked, resumable at every byte. The decoder copies
 * nothing: it gives offsets of decoded pieces in the caller's bytes.
 */
import { CR, HEX, HTAB, LF, SEMICOLON, SP } from "../bytes.ts";
import { ExtensionParser, TrailerParser } from "./chunk-lines.ts";

/** `next` has found a piece of the body: bytes[dataStart, dataEnd). */
export const BODY_DATA = 1;
/** `next` needs more bytes than have arrived. Its callers know this as neither of the others. */
const BODY_MORE = 0;
/** The body is complete; the bytes from `position` on belong to the next request. */
export const BODY_DONE = 2;

const LENGTH = 0;
const SIZE_START = 1;
const SIZE = 2;
const EXTENSION = 3;
const SIZE_LF = 4;
const CHUNK = 5;
const CHUNK_CR = 6;
const CHUNK_LF = 7;
const TRAILER = 8;
const DONE = 9;
const REFUSED = 10;

/** Most digits of a chunk size, leading zeros included. */
const MAX_SIZE_DIGITS = 64;

/**
 *     decoder.reset(head.chunked, head.contentLength, settings.clientMaxBodySize)   // 0, or -413
 *     while ((status = decoder.next(bytes, at, end)) === BODY_DATA) {
 *       decoder.take(sink.accept(bytes, decoder.dataStart, decoder.dataEnd));       // fewer than offered is fine
 *       at = decoder.position;
 *     }
 *     at = decoder.position;                    // everything before it is used up
 */
export class BodyDecoder {
  /** Start of the piece that `next` found; an offset into the bytes given to `next`. */
  dataStart = 0;
  dataEnd = 0;
  /** End of the bytes used so far. After BODY_DATA: end of the part of the piece that was taken. */
  position = 0;
  /** Decoded bytes taken so far. */
  received = 0;
  /** Why the body was refused, else "". */
  reason = "";

  /** Bytes left in the body or chunk; while a chunk size is being read, its value so far. */
  remaining = 0;

  private state = DONE;
  private digits = 0;
  /** Sum of all chunk sizes read so far. */
  private announced = 0;
  private maxSize = 0;
  private result = BODY_DONE;
  private readonly extension = new ExtensionParser();
  private readonly trailer = new TrailerParser();

  /**
   * Prepares for a body. `contentLength` is used only when `chunked` is false; -1 and 0 mean no body. `maxSize` is in bytes, 0: no
   * limit. Gives 0, or -413 when the announced length is already too large.
   */
  reset(chunked: boolean, contentLength: number, maxSize: number): number {
    this.dataStart = this.dataEnd = this.position = 0;
    this.received = this.announced = 0;
    this.reason = "";
    this.maxSize = maxSize;
    this.remaining = chunked ? 0 : Math.max(0, contentLength);
    this.state = chunked ? SIZE_START : this.remaining > 0 ? LENGTH : DONE;
    this.result = BODY_DONE;
    this.extension.reset();
    this.trailer.reset();
    return this.isTooLarge(this.remaining) ? this.refuse(413, "body too large") : 0;
  }

  /** The trailer section of chunks, in octets. */
  get trailers(): string {
    return this.trailer.text;
  }

  /** Whether the whole body has been taken. */
  get done(): boolean {
    return this.state === DONE;
  }

  /** Decodes bytes[start, end). Gives BODY_DATA, BODY_MORE, BODY_DONE, or -status when the body is refused. */
  next(bytes: Uint8Array, start: number, end: number): number {
    this.position = start;
    while (this.state !== DONE && this.state !== REFUSED) {
      if (this.position === end) return BODY_MORE;
      if (this.state === LENGTH || this.state === CHUNK) return this.piece(end);
      this.step(bytes[this.position++]);
    }
    return this.result;
  }

  /** Tells how many bytes of the piece were used; the next call of `next` offers the rest again. */
  take(count: number): void {
    this.position = this.dataStart + count;
    this.received += count;
    this.remaining -= count;
    if (this.remaining > 0) return;
    this.state = this.state === CHUNK ? CHUNK_CR : DONE;
  }

  private piece(end: number): number {
    this.dataStart = this.position;
    this.dataEnd = Math.min(end, this.position + this.remaining);
    return BODY_DATA;
  }

  /** Reads one byte of chunk framing. */
  private step(byte: number): void {
    switch (this.state) {
      case SIZE_START:
        return HEX[byte] > 15 ? this.fail("invalid chunk size") : this.sizeDigit(HEX[byte]);
      case SIZE:
        return this.afterDigit(byte);
      case EXTENSION:
        return this.extensionByte(byte);
      case SIZE_LF:
        return byte === LF ? this.sizeKnown() : this.fail("CR without LF");
      case CHUNK_CR:
        return byte === CR ? this.enter(CHUNK_LF) : this.fail("a chunk is not followed by CRLF");
      case CHUNK_LF:
        return byte === LF ? this.enter(SIZE_START) : this.fail("a chunk is not followed by CRLF");
      default:
        return this.trailerByte(byte);
    }
  }

  /** Limits one chunk and the sum of all chunks to 2^53-1, and the number of digits, so that leading zeros end too. */
  private sizeDigit(digit: number): void {
    if (this.state === SIZE_START) this.digits = this.remaining = 0;
    this.state = SIZE;
    this.remaining = this.remaining * 16 + digit;
    if (this.announced + this.remaining > Number.MAX_SAFE_INTEGER) this.fail("chunk size beyond 2^53-1");
    else if (++this.digits > MAX_SIZE_DIGITS) this.fail("chunk size too long");
  }

  private afterDigit(byte: number): void {
    if (HEX[byte] < 16) return this.sizeDigit(HEX[byte]);
    if (byte === CR) return this.enter(SIZE_LF);
    if (byte !== SEMICOLON && byte !== SP && byte !== HTAB) return this.fail("invalid chunk size");
    this.extension.begin();
    this.state = EXTENSION;
    this.extensionByte(byte);
  }

  private extensionByte(byte: number): void {
    if (!this.extension.take(byte)) this.fail("malformed or over-long chunk extension");
    else if (this.extension.ended) this.state = SIZE_LF;
  }

  private sizeKnown(): void {
    this.announced += this.remaining;
    if (this.isTooLarge(this.announced)) this.refuse(413, "body too large");
    else this.state = this.remaining > 0 ? CHUNK : TRAILER;
  }

  private trailerByte(byte: number): void {
    const reason = this.trailer.take(byte);
    if (reason !== "") this.fail(reason);
    else if (this.trailer.ended) this.state = DONE;
  }

  private isTooLarge(size: number): boolean {
    return this.maxSize > 0 && size > this.maxSize;
  }

  private enter(state: number): void {
    this.state = state;
  }

  private fail(reason: string): void {
    this.refuse(400, reason);
  }

  private refuse(status: number, reason: string): number {
    this.state = REFUSED;
    this.reason = reason;
    return (this.result = -status);
  }
}
