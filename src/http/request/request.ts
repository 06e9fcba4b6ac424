/**
 * The head of a request as offsets into received bytes. The parser reuses one RequestHead; strings are made only when
 * someone asks for them.
 */
import type { Acceptance } from "../accept-encoding.ts";
import { COLON, CR, DOT, LF, LOWER } from "../bytes.ts";

/** The forms of a request target (RFC 9112 §3.2). */
const ORIGIN_FORM = 0;
export const ABSOLUTE_FORM = 1;
export const AUTHORITY_FORM = 2;
export const ASTERISK_FORM = 3;
type TargetForm = 0 | 1 | 2 | 3;

/** What Expect asks for: nothing, 100-continue, or something unknown (417). */
export const EXPECT_NONE = 0;
export const EXPECT_CONTINUE = 1;
export const EXPECT_OTHER = 2;
type Expectation = 0 | 1 | 2;

/** What Transfer-Encoding, all lines as one list, has named so far: nothing; only `chunked`; other codings without or with `chunked` at the end. */
export const CODING_NONE = 0;
export const CODING_CHUNKED = 1;
export const CODING_OTHER = 2;
export const CODING_UNKNOWN = 3;
type Coding = 0 | 1 | 2 | 3;

/** Bits of `RequestHead.seen`: the fields that may come only once. */
export const SEEN_IF_MATCH = 1;
export const SEEN_IF_RANGE = 2;
export const SEEN_IF_NONE_MATCH = 4;
export const SEEN_AUTHORIZATION = 8;
export const SEEN_CONTENT_RANGE = 16;
export const SEEN_IF_MODIFIED_SINCE = 32;
export const SEEN_IF_UNMODIFIED_SINCE = 64;

/** Bytes that a reused head keeps for copies of itself. */
const KEPT = 1024;

/** All offsets are relative to `base`, so code that moves the bytes only has to set `bytes` and `base`. */
export class RequestHead {
  /** Where heads of up to KEPT bytes are copied to; used again for each. */
  private memory: Buffer | null = null;
  bytes: Buffer = Buffer.alloc(0);
  /** Start of the head in `bytes`. */
  base = 0;
  /** Length of the head in bytes, including skipped leading empty lines and the final empty line. */
  length = 0;

  method = "";
  /** False for a well-formed method that is not registered (also `get`); the server answers 501. */
  methodKnown = false;
  /** HTTP/1.x; every x above 1 counts as 1. */
  minor: 0 | 1 = 1;

  form: TargetForm = ORIGIN_FORM;
  /** Start of the request line, after skipped empty lines. */
  lineStart = 0;
  /** End of the request line, before its CRLF; 0 until the line is complete and well-formed. */
  lineEnd = 0;
  targetStart = 0;
  targetEnd = 0;
  /** The raw path; empty in authority-form, asterisk-form and an absolute-form without a path. */
  pathStart = 0;
  pathEnd = 0;
  /** The raw query without its `?`. */
  queryStart = 0;
  queryEnd = 0;
  hasQuery = false;
  /** The path needs no decoding or normalising: its bytes are its ASCII text. */
  plainPath = false;

  /** The effective host without port: from the target in absolute-form and authority-form, else from Host. Empty without one (HTTP/1.0). */
  hostStart = 0;
  hostEnd = 0;
  /** End of the authority, including the port if there is one. */
  authorityEnd = 0;
  /** Whether there was a Host field. */
  hasHostField = false;

  /** Whether the connection can be used again after this request. */
  keepAlive = true;
  /** There was `Connection: close`, which no other token overrides. */
  closing = false;
  /** -1: no Content-Length. */
  contentLength = -1;
  /** There was Transfer-Encoding. Whether its last coding is `chunked`, `coding` tells. */
  chunked = false;
  coding: Coding = CODING_NONE;
  expect: Expectation = EXPECT_NONE;
  /** There was any of If-Match, If-None-Match, If-Modified-Since, If-Unmodified-Since, If-Range and Range. */
  conditional = false;
  /** Which of the fields that may come only once there are, as SEEN bits. */
  seen = 0;
  hasContentType = false;
  /** Index of the field line If-None-Match, or -1. */
  noneMatch = -1;

  fieldCount = 0;
  /** Four offsets per field line: start and end of the name, start and end of the value. */
  offsets = new Int32Array(4 * 32);

  /** Whether a body follows the head. */
  get hasBody(): boolean {
    return this.chunked || this.contentLength > 0;
  }

  /** Changes whenever a different head is parsed; stays when the same head is repeated. */
  serial = 0;
  /** The codings that the client accepts, once they were read from this head. It stays when the same head is repeated. */
  acceptance: Acceptance | null = null;

  /** Forgets the last request. */
  reset(): void {
    this.serial++;
    this.acceptance = null;
    this.length = 0;
    this.method = "";
    this.methodKnown = false;
    this.minor = 1;
    this.form = ORIGIN_FORM;
    this.lineStart = this.lineEnd = this.targetStart = this.targetEnd = 0;
    this.pathStart = this.pathEnd = this.queryStart = this.queryEnd = 0;
    this.hasQuery = false;
    this.plainPath = true;
    this.hostStart = this.hostEnd = this.authorityEnd = 0;
    this.hasHostField = false;
    this.keepAlive = true;
    this.closing = false;
    this.contentLength = -1;
    this.chunked = false;
    this.coding = CODING_NONE;
    this.expect = EXPECT_NONE;
    this.conditional = false;
    this.seen = 0;
    this.hasContentType = false;
    this.noneMatch = -1;
    this.fieldCount = 0;
  }

  /** Refers to the incomplete head in bytes[start, end), for logs. */
  show(bytes: Buffer, start: number, end: number): void {
    this.bytes = bytes;
    this.base = start;
    this.length = end - start;
  }

  /** Copies the head out of the receive buffer, which others will overwrite. */
  own(): void {
    const { base, length } = this;
    const own =
      this.memory !== null && this.memory.length >= length
        ? this.memory
        : Buffer.allocUnsafeSlow(Math.max(KEPT, length));
    this.bytes.copy(own, 0, base, base + length);
    if (own.length === KEPT) this.memory = own;
    this.bytes = own;
    this.base = 0;
  }

  /**
   * Turns a complete head into that of a subrequest: a copy, with a body of `length` bytes (-1: none) and no conditions, which are about the
   * client's reply (as in nginx). The parser must not take the next head for a repetition of it and give it to a client's request.
   */
  becomeSubrequest(length: number): void {
    this.own();
    this.contentLength = length;
    this.chunked = false;
    this.expect = EXPECT_NONE;
    this.conditional = false;
    this.seen = 0;
    this.noneMatch = -1;
  }

  /** The host in small letters without a final dot; "" when the request has none. */
  host(): string {
    const last = this.bytes[this.base + this.hostEnd - 1];
    const end = this.hostEnd > this.hostStart && last === DOT ? this.hostEnd - 1 : this.hostEnd;
    return this.text(this.hostStart, end).toLowerCase();
  }

  /** Host and port as received. */
  authority(): string {
    return this.text(this.hostStart, this.authorityEnd);
  }

  /** The request target as received; bytes above 0x7f as latin1. */
  target(): string {
    return this.text(this.targetStart, this.targetEnd);
  }

  /** The query as received, "" when there is none; bytes above 0x7f as latin1. */
  query(): string {
    return this.text(this.queryStart, this.queryEnd);
  }

  /** The request line without its CRLF. If the request line itself was refused, the part that was received, so that logs show it. */
  requestLine(): string {
    let end = this.lineEnd || this.lineStart;
    if (this.lineEnd === 0) while (end < this.length && !isLineEnd(this.bytes[this.base + end])) end++;
    return this.text(this.lineStart, end);
  }

  /** The name of field line `i` (from 0) as received. */
  fieldName(i: number): string {
    return this.text(this.offsets[4 * i], this.offsets[4 * i + 1]);
  }

  /** The value of field line `i` as latin1, trimmed. */
  fieldValue(i: number): string {
    return this.text(this.offsets[4 * i + 2], this.offsets[4 * i + 3]);
  }

  /** Whether the value of field line `i` is `text` (latin1), compared without making a string of it. */
  fieldIs(i: number, text: string): boolean {
    const start = this.offsets[4 * i + 2];
    if (this.offsets[4 * i + 3] - start !== text.length) return false;
    for (let k = 0; k < text.length; k++) {
      if (this.bytes[this.base + start + k] !== text.charCodeAt(k)) return false;
    }
    return true;
  }

  /** Index of the first field line called `name` (in small letters) from line `from` on, or -1. */
  fieldIndex(name: string, from = 0): number {
    for (let i = from; i < this.fieldCount; i++) if (this.isNamed(i, name)) return i;
    return -1;
  }

  /** As `fieldIndex`, where the field may have underscores in place of hyphens. */
  underscoredIndex(name: string): number {
    for (let i = 0; i < this.fieldCount; i++)
      if (this.fieldName(i).toLowerCase().replaceAll("_", "-") === name) return i;
    return -1;
  }

  /** The first value of the field `name` (in small letters), or undefined. */
  field(name: string): string | undefined {
    const i = this.fieldIndex(name);
    return i < 0 ? undefined : this.fieldValue(i);
  }

  /** The values of every field line called `name` (in small letters), in order. */
  fieldAll(name: string): string[] {
    const values: string[] = [];
    for (let i = this.fieldIndex(name); i >= 0; i = this.fieldIndex(name, i + 1)) values.push(this.fieldValue(i));
    return values;
  }

  /** The port the request names, or -1. */
  port(): number {
    if (this.authorityEnd - this.hostEnd < 2 || this.bytes[this.base + this.hostEnd] !== COLON) return -1;
    return Number(this.text(this.hostEnd + 1, this.authorityEnd));
  }

  /** Makes room for more field lines. */
  grow(): void {
    const offsets = new Int32Array(2 * this.offsets.length);
    offsets.set(this.offsets);
    this.offsets = offsets;
  }

  private text(start: number, end: number): string {
    return start === end ? "" : this.bytes.latin1Slice(this.base + start, this.base + end);
  }

  private isNamed(i: number, name: string): boolean {
    const start = this.offsets[4 * i];
    if (this.offsets[4 * i + 1] - start !== name.length) return false;
    for (let k = 0; k < name.length; k++) {
      if (LOWER[this.bytes[this.base + start + k]] !== name.charCodeAt(k)) return false;
    }
    return true;
  }
}

const isLineEnd = (byte: number): boolean => byte === CR || byte === LF;
