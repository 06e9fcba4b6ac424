/**
 * Reads one response: interim heads (1xx), the head, and the body, whose framing it removes in place. Fed in pieces of any size; the
 * result does not depend on how they are cut.
 */
import { BODY_DATA, BODY_DONE, BodyDecoder } from "../body/body.ts";
import { ResponseParser } from "./parser.ts";

/** Most interim responses before the final one. */
const MOST_INTERIM = 32;
const SWITCHING_PROTOCOLS = 101;

/** What the request says about its response. */
export interface Expected {
  /** The request was HEAD: the response has no body. */
  readonly headOnly: boolean;
  /** The request asked for another protocol: 101 is allowed. */
  readonly upgrade: boolean;
  /** Most bytes of a head. */
  readonly headLimit: number;
}

/** Values of `left`. */
const UNTIL_END = -1;

enum Stage {
  Head,
  /** `left` bytes follow. */
  Length,
  Chunks,
  /** The body ends with the connection. */
  UntilEnd,
  Complete,
}

export class ResponseReader {
  /** The head; its fields are valid when `headLength` > 0. */
  readonly head: ResponseParser;
  /** Bytes of all heads, interim ones included; 0: the head is not complete. */
  headLength = 0;
  /** Why `decode` gave -1. */
  reason = "";
  /** More was sent than belongs to the response. */
  excess = false;
  private stage = Stage.Head;
  private left = 0;
  private interim = 0;
  /** Bytes of interim heads. */
  private interimLength = 0;
  /** The beginning of a head that was cut: held[0, heldLength). */
  private held: Buffer | null = null;
  private heldLength = 0;
  private chunks: BodyDecoder | null = null;

  constructor(private readonly expected: Expected) {
    this.head = new ResponseParser(expected.headLimit);
  }

  /** The whole response was read. */
  get complete(): boolean {
    return this.stage === Stage.Complete;
  }

  /** After 101 everything that follows belongs to the other protocol. */
  get upgraded(): boolean {
    return this.headLength > 0 && this.head.status === SWITCHING_PROTOCOLS;
  }

  /** The connection can be used again. Valid when `complete`. */
  get persistent(): boolean {
    return this.complete && !this.excess && !this.head.closes && this.left !== UNTIL_END;
  }

  /** Length of the body where the head tells it (also of one that HEAD leaves out), or -1. */
  get contentLength(): number {
    return this.head.contentLength;
  }

  /**
   * Takes bytes[start, end) and leaves in the same place what remains without the framing of the body: the bytes of the heads as
   * they are, then the body. Their count, or -1: malformed.
   */
  decode(bytes: Buffer, start: number, end: number): number {
    let at = start;
    while (this.stage === Stage.Head && at < end) {
      const used = this.takeHead(bytes, at, end);
      if (used < 0) return -1;
      at += used;
    }
    if (at === end) return end - start;
    const n = this.takeBody(bytes, at, end);
    return n < 0 ? -1 : at - start + n;
  }

  /** The connection has ended. Whether the response is complete. */
  end(): boolean {
    if (this.stage === Stage.UntilEnd) this.stage = Stage.Complete;
    return this.complete;
  }

  // The head

  /** Bytes used: all of them if the head is not complete. -1: malformed. */
  private takeHead(bytes: Buffer, start: number, end: number): number {
    if (this.held !== null) return this.takeMore(bytes, start, end);
    const n = this.head.feed(bytes, start, end);
    if (n > 0) return this.headComplete(n) ? n : -1;
    if (n < 0) return this.refuse(this.head.reason);
    this.hold(bytes, start, end);
    return end - start;
  }

  /** Goes on with a head that was cut. */
  private takeMore(bytes: Buffer, start: number, end: number): number {
    const before = this.heldLength;
    this.hold(bytes, start, Math.min(end, start + this.expected.headLimit - before));
    const n = this.head.feed(this.held!, 0, this.heldLength);
    if (n < 0) return this.refuse(this.head.reason);
    if (n === 0) return end - start;
    this.held = null;
    this.heldLength = 0;
    return this.headComplete(n) ? n - before : -1;
  }

  private hold(bytes: Buffer, start: number, end: number): void {
    const length = this.heldLength + end - start;
    if (this.held === null || length > this.held.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(512, 2 * length));
      this.held?.copy(larger, 0, 0, this.heldLength);
      this.held = larger;
    }
    bytes.copy(this.held, this.heldLength, start, end);
    this.heldLength = length;
  }

  /** A head of `length` bytes is complete: an interim one, or the last. False: refused. */
  private headComplete(length: number): boolean {
    const { head } = this;
    const total = this.interimLength + length;
    if (head.status < 200 && head.status !== SWITCHING_PROTOCOLS) {
      this.interimLength = total;
      head.reset();
      if (++this.interim > MOST_INTERIM) this.refuse("too many interim responses");
      return this.reason === "";
    }
    if (head.status === SWITCHING_PROTOCOLS && !this.expected.upgrade) {
      this.refuse("unexpected status code 101");
      return false;
    }
    this.headLength = total;
    this.stage = this.bodyStage();
    return true;
  }

  /** RFC 9112 §6.3. */
  private bodyStage(): Stage {
    const { head } = this;
    if (head.status === SWITCHING_PROTOCOLS) return this.untilEnd();
    if (this.expected.headOnly || head.bodiless) return Stage.Complete;
    if (head.chunked) {
      this.chunks = new BodyDecoder();
      this.chunks.reset(true, -1, 0);
      return Stage.Chunks;
    }
    if (head.contentLength < 0) return this.untilEnd();
    this.left = head.contentLength;
    return this.left > 0 ? Stage.Length : Stage.Complete;
  }

  private untilEnd(): Stage {
    this.left = UNTIL_END;
    return Stage.UntilEnd;
  }

  // The body

  /** As `decode`, behind the head. */
  private takeBody(bytes: Buffer, start: number, end: number): number {
    switch (this.stage) {
      case Stage.UntilEnd:
        return end - start;
      case Stage.Length:
        return this.takeLength(end - start);
      case Stage.Chunks:
        return this.takeChunks(bytes, start, end);
      default:
        this.excess = true;
        return 0;
    }
  }

  private takeLength(given: number): number {
    const taken = Math.min(given, this.left);
    this.left -= taken;
    this.excess = given > taken;
    if (this.left === 0) this.stage = Stage.Complete;
    return taken;
  }

  private takeChunks(bytes: Buffer, start: number, end: number): number {
    const chunks = this.chunks!;
    let at = start;
    let out = start;
    let outcome = chunks.next(bytes, at, end);
    for (; outcome === BODY_DATA; outcome = chunks.next(bytes, at, end)) {
      const { dataStart, dataEnd } = chunks;
      if (dataStart !== out) bytes.copyWithin(out, dataStart, dataEnd);
      out += dataEnd - dataStart;
      chunks.take(dataEnd - dataStart);
      at = chunks.position;
    }
    if (outcome < 0) return this.refuse(`invalid chunked response (${chunks.reason})`);
    if (outcome === BODY_DONE) {
      this.excess = chunks.position < end;
      this.stage = Stage.Complete;
    }
    return out - start;
  }

  private refuse(reason: string): -1 {
    this.reason = reason;
    return -1;
  }
}
