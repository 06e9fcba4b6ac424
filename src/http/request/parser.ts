/**
 * The request head parser (RFC 9112 §2-§3, §5-§6): one pass over the bytes, resumable at every byte, no I/O.
 * It is strict where leniency helps an attacker: CRLF is the only line end, and it refuses whatever two readers could understand
 * differently. Each state is one short function, which takes absolute offsets and gives the offset at which the next state goes on.
 */
import {
  ASTERISK,
  ascii,
  COLON,
  CR,
  classOf,
  DOT,
  FIELD_TEXT,
  HASH,
  HTAB,
  LF,
  LOWER,
  NINE,
  PERCENT,
  QUESTION,
  REG_NAME,
  SLASH,
  SP,
  skipClass,
  TOKEN,
  ZERO,
} from "../bytes.ts";
import { trimEnd, understand } from "./fields.ts";
import { hostEndOf } from "./host.ts";
import { registeredMethod } from "./methods.ts";
import { ABSOLUTE_FORM, ASTERISK_FORM, AUTHORITY_FORM, CODING_OTHER, CODING_UNKNOWN, RequestHead } from "./request.ts";

/** Limits for a request head. Lines count without their CRLF. */
export interface HeadLimits {
  /** Most bytes of the request line; beyond it 414. */
  readonly line: number;
  /** Most bytes of one field line; beyond it 431. */
  readonly field: number;
  /** Most bytes of the whole head, from its first byte to the end of the empty line; beyond it 431 (414 within the request line). */
  readonly total: number;
  /** Most field lines; beyond it 431. */
  readonly fields: number;
  /** 1 for the bytes of the names of fields that are kept; a field with another token as its name is dropped. By default none is. */
  readonly names?: Uint8Array;
}

const START = 0;
const START_LF = 1;
const METHOD = 2;
const TARGET = 3;
const SCHEME = 4;
const AUTHORITY = 5;
const PATH = 6;
const QUERY = 7;
const TARGET_END = 8;
const VERSION = 9;
const LINE_CR = 10;
const LINE_LF = 11;
const FIELD = 12;
const NAME = 13;
const SPACE = 14;
const VALUE = 15;
const VALUE_LF = 16;
const END_LF = 17;
const ENDED = 18;

/** A state gives this when the parser has to stop; `result` says why. */
const STOP = -1;
/** The longest head that the parser keeps to compare the next one with, in bytes. */
const LONGEST_KEPT = 512;
const NO_LINE = 0x3fffffff;
const NOTHING = Buffer.alloc(0);

const HTTP = ascii("http://");
const HTTPS = ascii("https://");
const SMALL_S = 0x73;
/** `HTTP/d.d`; 0 stands for a digit. */
const VERSION_FORM = ascii("HTTP/\0.\0");

/** Classes of bytes in a path: ordinary; slash or dot (the path may need normalising); to be decoded; end of the path. */
const ORDINARY = 0;
const SEGMENT = 1;
const ENCODED = 2;
const ENDS = 3;
const IN_PATH = new Uint8Array(256).map((_, byte) => {
  if (byte === SLASH || byte === DOT) return SEGMENT;
  if (byte === PERCENT || byte > 0x7f) return ENCODED;
  return isInTarget(byte) && byte !== QUESTION ? ORDINARY : ENDS;
});
const IN_QUERY = new Uint8Array(256).map((_, byte) => (isInTarget(byte) || byte > 0x7f ? 1 : 0));
const IN_AUTHORITY = classOf("%:[]").map((known, byte) => known | REG_NAME[byte]);

/** Visible ASCII but `#`. Browsers send `" < > \ ^ { } |` unencoded. */
function isInTarget(byte: number): boolean {
  return byte > SP && byte < 0x7f && byte !== HASH;
}

export class RequestParser {
  readonly head = new RequestHead();
  /** Why the last request was refused, else "". */
  reason = "";
  private state = START;
  private limits: HeadLimits;
  /** Offset of the next byte to look at; this and `lineCap` are relative to the head's start. */
  private at = 0;
  /** Offset at which the current line must have ended. */
  private lineCap = NO_LINE;
  private emptyLines = 0;
  /** The field line that is being read is dropped. */
  private drops = false;
  private result = 0;
  /**
   * The last complete head, if it was short. Clients often send the same head again, and comparing bytes costs a quarter
   * of parsing them. 0 bytes: none.
   */
  private last = NOTHING;
  private lastLength = 0;
  /** Whether this request's head is identical, byte for byte, to the one before. */
  repeated = false;

  constructor(limits: HeadLimits) {
    this.limits = limits;
    this.reset();
  }

  /** Prepares for the next request, with new limits if given. */
  reset(limits: HeadLimits = this.limits): void {
    if (limits !== this.limits) this.lastLength = 0;
    this.limits = limits;
    this.reason = "";
    this.state = START;
    this.at = 0;
    this.lineCap = NO_LINE;
    this.emptyLines = 0;
    this.result = 0;
  }

  /**
   * Parses the head that starts at bytes[start]; bytes up to `end` have arrived. 0: incomplete, call again with the same head
   * and more bytes, at any place in memory. n > 0: complete after n bytes, see `head`. n < 0: refused with status -n, see
   * `reason`.
   */
  feed(bytes: Buffer, start: number, end: number): number {
    this.head.bytes = bytes;
    this.head.base = start;
    if (this.state === START && this.at === 0) {
      if (this.repeats(bytes, start, end)) return this.result;
      this.head.reset();
    }
    const stop = Math.min(end, start + this.limits.total);
    let at = start + this.at;
    while (at !== STOP) at = this.step(bytes, at, stop);
    return this.result;
  }

  /** Whether the bytes are the last head again; then every result of parsing it still holds. */
  private repeats(bytes: Buffer, start: number, end: number): boolean {
    const length = this.lastLength;
    let same = 0;
    if (length <= end - start) while (same < length && this.last[same] === bytes[start + same]) same++;
    this.repeated = length > 0 && same === length;
    this.lastLength = 0; // not valid again until this head is complete
    if (!this.repeated) return false;
    this.lastLength = this.head.length = this.result = length;
    this.state = ENDED;
    return true;
  }

  private step(bytes: Buffer, at: number, stop: number): number {
    switch (this.state) {
      case NAME:
        return this.readName(bytes, at, stop);
      case SPACE:
        return this.readSpace(bytes, at, stop);
      case VALUE:
        return this.readValue(bytes, at, stop);
      case VALUE_LF:
        return this.readValueEnd(bytes, at, stop);
      case FIELD:
        return this.readField(bytes, at, stop);
      case START:
        return this.readStart(bytes, at, stop);
      case START_LF:
        return this.readLineFeed(bytes, at, stop, START);
      case METHOD:
        return this.readMethod(bytes, at, stop);
      case TARGET:
        return this.readTarget(bytes, at, stop);
      case SCHEME:
        return this.readScheme(bytes, at, stop);
      case AUTHORITY:
        return this.readAuthority(bytes, at, stop);
      case PATH:
        return this.readPath(bytes, at, stop);
      case QUERY:
        return this.readQuery(bytes, at, stop);
      case TARGET_END:
        return this.readTargetEnd(bytes, at, stop);
      case VERSION:
        return this.readVersion(bytes, at, stop);
      case LINE_CR:
        return this.readLineEnd(bytes, at, stop);
      case LINE_LF:
        return this.readLineFeed(bytes, at, stop, FIELD);
      case END_LF:
        return this.readHeadEnd(bytes, at, stop);
      default:
        return STOP;
    }
  }

  /** Reads the first byte, or one of at most two empty lines before it (RFC 9112 §2.2). */
  private readStart(bytes: Buffer, at: number, stop: number): number {
    if (at === stop) return this.pause(at);
    if (TOKEN[bytes[at]] === 1) {
      this.head.lineStart = at - this.head.base;
      this.lineCap = this.head.lineStart + this.limits.line + 1;
      return this.enter(METHOD, at);
    }
    if (bytes[at] !== CR) return this.refuse(400, "invalid byte in the method");
    if (++this.emptyLines > 2) return this.refuse(400, "too many empty lines before the request line");
    return this.enter(START_LF, at + 1);
  }

  private readMethod(bytes: Buffer, at: number, stop: number): number {
    const end = this.lineStop(stop);
    while (at < end && TOKEN[bytes[at]] === 1) at++;
    if (at >= end) return this.pause(at);
    if (bytes[at] !== SP) return this.refuse(400, "invalid byte in the method");
    const head = this.head;
    const start = head.base + head.lineStart;
    const registered = registeredMethod(bytes, start, at);
    head.methodKnown = registered !== "";
    head.method = registered || bytes.latin1Slice(start, at);
    head.targetStart = at + 1 - head.base;
    return this.enter(TARGET, at + 1);
  }

  /** Reads the first byte of the target, which decides its form (RFC 9112 §3.2). */
  private readTarget(bytes: Buffer, at: number, stop: number): number {
    if (at >= this.lineStop(stop)) return this.pause(at);
    const head = this.head;
    head.pathStart = head.pathEnd = head.queryStart = head.queryEnd = at - head.base;
    if (head.method === "CONNECT") {
      head.form = AUTHORITY_FORM;
      head.plainPath = false;
      head.hostStart = at - head.base;
      return this.enter(AUTHORITY, at);
    }
    if (bytes[at] === SLASH) return this.enter(PATH, at);
    if (bytes[at] === ASTERISK) return this.readAsterisk(at);
    head.form = ABSOLUTE_FORM;
    return this.enter(SCHEME, at);
  }

  private readAsterisk(at: number): number {
    const head = this.head;
    if (head.methodKnown && head.method !== "OPTIONS") return this.refuse(400, "asterisk-form is for OPTIONS");
    head.form = ASTERISK_FORM;
    head.plainPath = false;
    return this.enter(TARGET_END, at + 1);
  }

  private readScheme(bytes: Buffer, at: number, stop: number): number {
    const end = this.lineStop(stop);
    const start = this.head.base + this.head.targetStart;
    for (; at < end; at++) {
      const scheme = at >= start + 4 && LOWER[bytes[start + 4]] === SMALL_S ? HTTPS : HTTP;
      if (LOWER[bytes[at]] !== scheme[at - start]) return this.refuse(400, "invalid request target");
      if (at - start + 1 < scheme.length) continue;
      this.head.hostStart = at + 1 - this.head.base;
      return this.enter(AUTHORITY, at + 1);
    }
    return this.pause(at);
  }

  /** Reads the authority of the target. User information in it is an error, as in Host (RFC 9110 §4.2.4). */
  private readAuthority(bytes: Buffer, at: number, stop: number): number {
    const end = this.lineStop(stop);
    while (at < end && IN_AUTHORITY[bytes[at]] === 1) at++;
    if (at >= end) return this.pause(at);
    const head = this.head;
    const hostEnd = hostEndOf(bytes, head.base + head.hostStart, at);
    if (hostEnd < 0) return this.refuse(400, "invalid host in the request target");
    head.hostEnd = hostEnd - head.base;
    head.authorityEnd = head.pathStart = head.pathEnd = head.queryStart = head.queryEnd = at - head.base;
    if (head.form === AUTHORITY_FORM) {
      return at - hostEnd > 1 ? this.enter(TARGET_END, at) : this.refuse(400, "CONNECT without a port");
    }
    head.plainPath = bytes[at] === SLASH;
    if (bytes[at] === SLASH || bytes[at] === QUESTION || bytes[at] === SP) return this.enter(PATH, at);
    return this.refuse(400, "invalid host in the request target");
  }

  private readPath(bytes: Buffer, at: number, stop: number): number {
    const end = this.lineStop(stop);
    const head = this.head;
    for (; at < end; at++) {
      const meaning = IN_PATH[bytes[at]];
      if (meaning === ORDINARY) continue;
      if (meaning === ENDS) break;
      if (meaning === ENCODED || bytes[at - 1] === SLASH) head.plainPath = false;
    }
    if (at >= end) return this.pause(at);
    head.pathEnd = head.queryStart = head.queryEnd = at - head.base;
    if (bytes[at] !== QUESTION) return this.enter(TARGET_END, at);
    head.hasQuery = true;
    head.queryStart = head.queryEnd = at + 1 - head.base;
    return this.enter(QUERY, at + 1);
  }

  private readQuery(bytes: Buffer, at: number, stop: number): number {
    const end = this.lineStop(stop);
    at = skipClass(IN_QUERY, bytes, at, end);
    if (at >= end) return this.pause(at);
    this.head.queryEnd = at - this.head.base;
    return this.enter(TARGET_END, at);
  }

  private readTargetEnd(bytes: Buffer, at: number, stop: number): number {
    if (at >= this.lineStop(stop)) return this.pause(at);
    const head = this.head;
    if (bytes[at] === CR || bytes[at] === LF) return this.refuse(400, "no HTTP version");
    if (bytes[at] !== SP) return this.refuse(400, "invalid byte in the request target");
    head.targetEnd = at - head.base;
    return this.enter(VERSION, at + 1);
  }

  /** HTTP/0.x and malformed versions are 400, well-formed ones above 1.x are 505 (RFC 9110 §15.6.6). */
  private readVersion(bytes: Buffer, at: number, stop: number): number {
    const end = this.lineStop(stop);
    const start = this.head.base + this.head.targetEnd + 1;
    for (; at < end && at - start < 8; at++) {
      const byte = bytes[at];
      const form = VERSION_FORM[at - start];
      if (form === 0 ? byte < ZERO || byte > NINE : byte !== form) return this.refuse(400, "malformed HTTP version");
    }
    if (at - start < 8) return this.pause(at);
    if (bytes[start + 5] === ZERO) return this.refuse(400, "HTTP version below 1.0");
    if (bytes[start + 5] !== ZERO + 1) return this.refuse(505, "HTTP version above 1.x");
    this.head.minor = bytes[start + 7] === ZERO ? 0 : 1;
    this.head.keepAlive = this.head.minor === 1;
    return this.enter(LINE_CR, at);
  }

  private readLineEnd(bytes: Buffer, at: number, stop: number): number {
    if (at >= this.lineStop(stop)) return this.pause(at);
    if (bytes[at] !== CR) return this.refuse(400, "the request line does not end with CRLF");
    this.head.lineEnd = at - this.head.base;
    this.lineCap = NO_LINE;
    return this.enter(LINE_LF, at + 1);
  }

  private readLineFeed(bytes: Buffer, at: number, stop: number, next: number): number {
    if (at === stop) return this.pause(at);
    if (bytes[at] !== LF) return this.refuse(400, "CR without LF");
    return this.enter(next, at + 1);
  }

  /** Reads the first byte of a field line or of the empty line. */
  private readField(bytes: Buffer, at: number, stop: number): number {
    if (at === stop) return this.pause(at);
    const byte = bytes[at];
    if (byte === CR) return this.enter(END_LF, at + 1);
    if (byte === SP || byte === HTAB) return this.refuse(400, "folded field line");
    const head = this.head;
    if (head.fieldCount === this.limits.fields) return this.refuse(431, "too many field lines");
    const start = at - head.base;
    if (4 * head.fieldCount === head.offsets.length) head.grow();
    head.offsets[4 * head.fieldCount] = start;
    this.lineCap = start + this.limits.field + 1;
    this.drops = false;
    return this.enter(NAME, at);
  }

  private readName(bytes: Buffer, at: number, stop: number): number {
    const end = this.lineStop(stop);
    const { names = TOKEN } = this.limits;
    while (at < end && names[bytes[at]] === 1) at++;
    if (at < end && TOKEN[bytes[at]] === 1) {
      this.drops = true;
      while (at < end && TOKEN[bytes[at]] === 1) at++;
    }
    if (at >= end) return this.pause(at);
    if (bytes[at] !== COLON) return this.refuse(400, "invalid byte in a field name");
    const head = this.head;
    const i = 4 * head.fieldCount;
    head.offsets[i + 1] = at - head.base;
    if (head.offsets[i] === head.offsets[i + 1]) return this.refuse(400, "empty field name");
    return this.enter(SPACE, at + 1);
  }

  private readSpace(bytes: Buffer, at: number, stop: number): number {
    const end = this.lineStop(stop);
    while (at < end && (bytes[at] === SP || bytes[at] === HTAB)) at++;
    if (at >= end) return this.pause(at);
    this.head.offsets[4 * this.head.fieldCount + 2] = at - this.head.base;
    return this.enter(VALUE, at);
  }

  private readValue(bytes: Buffer, at: number, stop: number): number {
    const end = this.lineStop(stop);
    at = skipClass(FIELD_TEXT, bytes, at, end);
    if (at >= end) return this.pause(at);
    if (bytes[at] !== CR) return this.refuse(400, "control character in a field value");
    const head = this.head;
    const i = 4 * head.fieldCount;
    head.offsets[i + 3] = trimEnd(bytes, head.base + head.offsets[i + 2], at) - head.base;
    this.lineCap = NO_LINE;
    return this.enter(VALUE_LF, at + 1);
  }

  private readValueEnd(bytes: Buffer, at: number, stop: number): number {
    if (at === stop) return this.pause(at);
    if (bytes[at] !== LF) return this.refuse(400, "CR without LF");
    if (this.drops) return this.enter(FIELD, at + 1);
    const { base, offsets } = this.head;
    const i = 4 * this.head.fieldCount++;
    const value = base + offsets[i + 2];
    const reason = understand(this.head, bytes, base + offsets[i], base + offsets[i + 1], value, base + offsets[i + 3]);
    if (reason !== "") return this.refuse(400, reason);
    return this.enter(FIELD, at + 1);
  }

  private readHeadEnd(bytes: Buffer, at: number, stop: number): number {
    if (at === stop) return this.pause(at);
    if (bytes[at] !== LF) return this.refuse(400, "CR without LF");
    const head = this.head;
    if (head.minor === 1 && !head.hasHostField) return this.refuse(400, "no Host");
    if (head.coding === CODING_OTHER) return this.refuse(400, "chunked is not the last transfer coding");
    if (head.coding === CODING_UNKNOWN) return this.refuse(501, "a transfer coding that is not implemented");
    head.length = this.result = at + 1 - head.base;
    if (head.length <= LONGEST_KEPT) this.keep(bytes, head.base, at + 1);
    return this.enter(ENDED, STOP);
  }

  private keep(bytes: Buffer, start: number, end: number): void {
    if (this.last === NOTHING) this.last = Buffer.alloc(LONGEST_KEPT);
    this.lastLength = bytes.copy(this.last, 0, start, end);
  }

  private enter(state: number, at: number): number {
    this.state = state;
    return at;
  }

  /** The end of the bytes or of the line's limit, whichever comes first. So limits do not depend on how the bytes are split. */
  private lineStop(stop: number): number {
    return Math.min(stop, this.head.base + this.lineCap);
  }

  /** The bytes ended at `at`: more will come, or a limit is reached. */
  private pause(at: number): number {
    this.at = at - this.head.base;
    if (this.at < this.lineCap && this.at < this.limits.total) return STOP;
    if (this.state === METHOD) return this.refuse(400, "the method is too long"); // not 414: no target has been seen yet
    return this.state < LINE_LF ? this.refuse(414, "request line too long") : this.refuse(431, "fields too long");
  }

  private refuse(status: number, reason: string): number {
    this.result = -status;
    this.reason = reason;
    return this.enter(ENDED, STOP);
  }
}
