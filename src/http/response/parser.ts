/**
 * The response head parser (RFC 9112 §4-§6), for replies of other servers: line by line, resumable at every byte, no I/O. It is as
 * strict as the request parser, because two readers that understand a head differently can be made to disagree about where the
 * body ends: CRLF is the only line end, lines are never folded, and the framing is given once.
 */
import {
  ascii,
  COLON,
  CR,
  FIELD_TEXT,
  HTAB,
  LF,
  NINE,
  SP,
  skipClass,
  startsWithIgnoringCase,
  TOKEN,
  ZERO,
} from "../bytes.ts";
import { isBodiless } from "../reply/status.ts";
import { type Framing, readConnection, readLength, readTransferEncoding } from "./framing.ts";

/** Most fields of a head, as for requests. */
const MOST_FIELDS = 1000;

const HTTP_1 = ascii("HTTP/1.");
/** `HTTP/1.1 200`. */
const SHORTEST_LINE = 12;
const CRLF = 2;

const CONNECTION = ascii("connection");
const CONTENT_LENGTH = ascii("content-length");
const TRANSFER_ENCODING = ascii("transfer-encoding");

/**
 * The latest final head, if it was not long: its bytes and what they say. Servers repeat their heads, where Date is the same for a
 * second; the same bytes need not be understood again.
 */
const latest = { bytes: Buffer.allocUnsafeSlow(1024), length: 0, head: null as ResponseParser | null };

/** A field as it was sent. */
type Field = readonly [name: string, value: string];

export class ResponseParser implements Framing {
  /** Why the head was refused, else "". In nginx's words where it has some; "upstream sent" precedes them. */
  reason = "";
  /** HTTP/1.x; every x above 1 counts as 1. */
  minor: 0 | 1 = 1;
  status = 0;
  /** -1: none was given. */
  contentLength = -1;
  /** There was Transfer-Encoding, which names nothing but `chunked`. */
  chunked = false;
  /** `Connection: close`, or HTTP/1.0 without `keep-alive`. */
  closes = false;
  keepAlive = false;
  /** The fields in the order sent, values trimmed, as octets. Made when the head is complete. */
  fields: readonly Field[] = [];
  /** Offset of the first line that is not parsed, relative to the head's start. */
  private line = 0;
  /** Four offsets per field: start and end of name and value. */
  private offsets: number[] = [];

  /** @param limit most bytes of a head, with its empty line */
  constructor(private readonly limit: number) {}

  /** Prepares for the next head, after an interim one (1xx). */
  reset(): void {
    this.status = this.line = 0;
    this.contentLength = -1;
    this.chunked = this.closes = this.keepAlive = false;
    this.offsets = [];
  }

  /** Whether no body follows, whatever the fields say, if the request was not HEAD. */
  get bodiless(): boolean {
    return isBodiless(this.status);
  }

  /**
   * Parses the head that starts at bytes[start]; bytes up to `end` have arrived. 0: incomplete, call again with the same head and
   * more bytes, at any place in memory. n > 0: complete after n bytes. -1: refused, see `reason`.
   */
  feed(bytes: Buffer, start: number, end: number): number {
    if (this.line === 0 && this.isLatest(bytes, start, end)) return latest.length;
    const stop = Math.min(end, start + this.limit);
    for (let at = start + this.line; ; ) {
      const next = at === start ? this.statusLine(bytes, at, stop) : this.fieldLine(bytes, start, at, stop);
      if (next < 0) return -1;
      if (next === 0) break;
      if (at !== start && next - at === CRLF) return this.complete(bytes, start, next);
      at = next;
      this.line = at - start;
    }
    return end - start >= this.limit ? this.refuse("too big header") : 0;
  }

  /** Whether the head is the latest once more. Then this parser knows what it says. */
  private isLatest(bytes: Buffer, start: number, end: number): boolean {
    const { head, length } = latest;
    if (head === null || length > Math.min(end - start, this.limit)) return false;
    if (bytes.compare(latest.bytes, 0, length, start, start + length) !== 0) return false;
    this.minor = head.minor;
    this.status = head.status;
    this.contentLength = head.contentLength;
    this.chunked = head.chunked;
    this.closes = head.closes;
    this.keepAlive = head.keepAlive;
    this.fields = head.fields;
    return true;
  }

  private remember(bytes: Buffer, start: number, end: number): void {
    if (this.status < 200 || end - start > latest.bytes.length) return; // after an interim head the parser is used again
    bytes.copy(latest.bytes, 0, start, end);
    latest.length = end - start;
    latest.head = this;
  }

  // Each of these gives the offset behind the line, 0 if the line is not complete, or -1.

  /** status-line = HTTP-version SP 3DIGIT [ SP reason-phrase ]. Many servers leave out the last space when there is no phrase. */
  private statusLine(bytes: Buffer, at: number, stop: number): number {
    const wrong = "no valid HTTP/1.0 header";
    const known = Math.min(HTTP_1.length, stop - at);
    for (let i = 0; i < known; i++) if (bytes[at + i] !== HTTP_1[i]) return this.refuse(wrong);
    if (stop - at < SHORTEST_LINE) return bytes.subarray(at, stop).includes(LF) ? this.refuse(wrong) : 0;
    const minor = digit(bytes[at + 7]!);
    const status = 100 * digit(bytes[at + 9]!) + 10 * digit(bytes[at + 10]!) + digit(bytes[at + 11]!);
    if (!(minor >= 0 && bytes[at + 8] === SP && status >= 100)) return this.refuse(wrong);
    const rest = at + SHORTEST_LINE;
    const lineEnd = skipClass(FIELD_TEXT, bytes, rest, stop);
    if (lineEnd > rest && bytes[rest] !== SP) return this.refuse(wrong);
    const next = this.lineEnd(bytes, lineEnd, stop);
    if (next <= 0) return next;
    this.minor = minor === 0 ? 0 : 1;
    this.status = status;
    return next;
  }

  private fieldLine(bytes: Buffer, start: number, at: number, stop: number): number {
    if (at === stop) return 0;
    if (bytes[at] === CR) return this.lineEnd(bytes, at, stop);
    const nameEnd = skipClass(TOKEN, bytes, at, stop);
    if (nameEnd === stop) return 0;
    if (nameEnd === at || bytes[nameEnd] !== COLON) return this.refuse("invalid header"); // also a folded line
    const lineEnd = skipClass(FIELD_TEXT, bytes, nameEnd + 1, stop);
    const next = this.lineEnd(bytes, lineEnd, stop);
    if (next <= 0) return next;
    let value = nameEnd + 1;
    let valueEnd = lineEnd;
    while (value < valueEnd && isSpace(bytes[value]!)) value++;
    while (valueEnd > value && isSpace(bytes[valueEnd - 1]!)) valueEnd--;
    if (this.offsets.length === 4 * MOST_FIELDS) return this.refuse("too many headers");
    this.offsets.push(at - start, nameEnd - start, value - start, valueEnd - start);
    const reason = this.understand(bytes, at, nameEnd, value, valueEnd);
    return reason === "" ? next : this.refuse(reason);
  }

  private lineEnd(bytes: Buffer, at: number, stop: number): number {
    if (at >= stop) return 0;
    if (bytes[at] !== CR) return this.refuse("invalid header");
    if (at + 1 === stop) return 0;
    return bytes[at + 1] === LF ? at + CRLF : this.refuse("invalid header");
  }

  /** Takes what a field says about framing and connection. "" or the reason for a refusal. */
  private understand(bytes: Buffer, name: number, nameEnd: number, value: number, valueEnd: number): string {
    switch (nameEnd - name) {
      case CONNECTION.length:
        if (startsWithIgnoringCase(bytes, name, CONNECTION)) readConnection(this, bytes.latin1Slice(value, valueEnd));
        return "";
      case CONTENT_LENGTH.length:
        if (!startsWithIgnoringCase(bytes, name, CONTENT_LENGTH)) return "";
        return readLength(this, bytes.latin1Slice(value, valueEnd));
      case TRANSFER_ENCODING.length:
        if (!startsWithIgnoringCase(bytes, name, TRANSFER_ENCODING)) return "";
        return readTransferEncoding(this, bytes.latin1Slice(value, valueEnd));
      default:
        return "";
    }
  }

  /** Makes one string of the head, and the fields as parts of it: that costs a third of a string for each. */
  private complete(bytes: Buffer, start: number, end: number): number {
    const text = bytes.latin1Slice(start, end);
    const { offsets } = this;
    const fields: Field[] = [];
    for (let i = 0; i < offsets.length; i += 4)
      fields.push([text.slice(offsets[i], offsets[i + 1]), text.slice(offsets[i + 2], offsets[i + 3])]);
    this.fields = fields;
    if (this.minor === 0 && !this.keepAlive) this.closes = true;
    if (this.bodiless && this.status !== 304 && (this.chunked || this.contentLength > 0)) this.closes = true; // perhaps a body follows all the same
    this.remember(bytes, start, end);
    return end - start;
  }

  private refuse(reason: string): -1 {
    this.reason = reason;
    return -1;
  }
}

/** The value of a digit; a number so low that no sum with it is a status, for every other byte. */
function digit(byte: number): number {
  return byte >= ZERO && byte <= NINE ? byte - ZERO : -10_000;
}

const isSpace = (byte: number): boolean => byte === SP || byte === HTAB;
