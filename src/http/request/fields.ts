/** The request fields that decide framing, routing and keep-alive, parsed as soon as their line is complete. */
import {
  ascii,
  BACKSLASH,
  COMMA,
  equalsIgnoringCase,
  HTAB,
  NINE,
  QUOTE,
  SEMICOLON,
  SP,
  startsWithIgnoringCase,
  TOKEN,
  ZERO,
} from "../bytes.ts";
import { hostEndOf } from "./host.ts";
import {
  CODING_CHUNKED,
  CODING_NONE,
  CODING_OTHER,
  CODING_UNKNOWN,
  EXPECT_CONTINUE,
  EXPECT_NONE,
  EXPECT_OTHER,
  type RequestHead,
  SEEN_AUTHORIZATION,
  SEEN_CONTENT_RANGE,
  SEEN_IF_MATCH,
  SEEN_IF_MODIFIED_SINCE,
  SEEN_IF_NONE_MATCH,
  SEEN_IF_RANGE,
  SEEN_IF_UNMODIFIED_SINCE,
} from "./request.ts";

const HOST = ascii("host");
const RANGE = ascii("range");
const EXPECT = ascii("expect");
const IF_MATCH = ascii("if-match");
const IF_RANGE = ascii("if-range");
const CONNECTION = ascii("connection");
const CONTENT_TYPE = ascii("content-type");
const IF_NONE_MATCH = ascii("if-none-match");
const AUTHORIZATION = ascii("authorization");
const CONTENT_RANGE = ascii("content-range");
const CONTENT_LENGTH = ascii("content-length");
const IF_MODIFIED_SINCE = ascii("if-modified-since");
const TRANSFER_ENCODING = ascii("transfer-encoding");
const IF_UNMODIFIED_SINCE = ascii("if-unmodified-since");
const CLOSE = ascii("close");
const KEEP_ALIVE = ascii("keep-alive");
const CHUNKED = ascii("chunked");
const CONTINUE = ascii("100-continue");

/**
 * Parses the field line whose name is bytes[name, nameEnd) and whose trimmed value is bytes[value, valueEnd) (absolute
 * offsets). Gives "" or the reason for a refusal.
 */
export function understand(
  head: RequestHead,
  bytes: Uint8Array,
  name: number,
  nameEnd: number,
  value: number,
  valueEnd: number,
): string {
  switch (nameEnd - name) {
    case 4:
      return startsWithIgnoringCase(bytes, name, HOST) ? host(head, bytes, value, valueEnd) : "";
    case 5:
      if (startsWithIgnoringCase(bytes, name, RANGE)) head.conditional = true;
      return "";
    case 6:
      return startsWithIgnoringCase(bytes, name, EXPECT) ? expectation(head, bytes, value, valueEnd) : "";
    case 8:
      return (
        condition(head, bytes, name, IF_MATCH, SEEN_IF_MATCH) || condition(head, bytes, name, IF_RANGE, SEEN_IF_RANGE)
      );
    case 10:
      return startsWithIgnoringCase(bytes, name, CONNECTION) ? connection(head, bytes, value, valueEnd) : "";
    case 12:
      return startsWithIgnoringCase(bytes, name, CONTENT_TYPE) ? contentType(head) : "";
    case 13:
      return (
        noneMatch(head, bytes, name) ||
        single(head, bytes, name, AUTHORIZATION, SEEN_AUTHORIZATION) ||
        single(head, bytes, name, CONTENT_RANGE, SEEN_CONTENT_RANGE)
      );
    case 14:
      return startsWithIgnoringCase(bytes, name, CONTENT_LENGTH) ? contentLength(head, bytes, value, valueEnd) : "";
    case 17:
      if (startsWithIgnoringCase(bytes, name, TRANSFER_ENCODING)) return transferEncoding(head, bytes, value, valueEnd);
      return condition(head, bytes, name, IF_MODIFIED_SINCE, SEEN_IF_MODIFIED_SINCE);
    case 19:
      return condition(head, bytes, name, IF_UNMODIFIED_SINCE, SEEN_IF_UNMODIFIED_SINCE);
    default:
      return "";
  }
}

function condition(head: RequestHead, bytes: Uint8Array, name: number, lower: Uint8Array, bit: number): string {
  if (!startsWithIgnoringCase(bytes, name, lower)) return "";
  head.conditional = true;
  return once(head, lower, bit);
}

function noneMatch(head: RequestHead, bytes: Uint8Array, name: number): string {
  const reason = condition(head, bytes, name, IF_NONE_MATCH, SEEN_IF_NONE_MATCH);
  if ((head.seen & SEEN_IF_NONE_MATCH) !== 0 && head.noneMatch < 0) head.noneMatch = head.fieldCount - 1;
  return reason;
}

function single(head: RequestHead, bytes: Uint8Array, name: number, lower: Uint8Array, bit: number): string {
  return startsWithIgnoringCase(bytes, name, lower) ? once(head, lower, bit) : "";
}

/** nginx refuses a second one since 1.23: of two, somebody on the way may believe the other. `bit`: of this field in `head.seen`. */
function once(head: RequestHead, lower: Uint8Array, bit: number): string {
  if ((head.seen & bit) !== 0) return `more than one ${String.fromCharCode(...lower)}`;
  head.seen |= bit;
  return "";
}

/** Host must be valid even when the target has its own authority, which wins (RFC 9112 §3.2). */
function host(head: RequestHead, bytes: Uint8Array, value: number, valueEnd: number): string {
  if (head.hasHostField) return "more than one Host";
  const hostEnd = hostEndOf(bytes, value, valueEnd);
  if (hostEnd < 0) return "invalid Host";
  head.hasHostField = true;
  if (head.authorityEnd > 0) return "";
  head.hostStart = value - head.base;
  head.hostEnd = hostEnd - head.base;
  head.authorityEnd = valueEnd - head.base;
  return "";
}

/** A recipient of HTTP/1.0 ignores 100-continue (RFC 9110 §10.1.1). */
function expectation(head: RequestHead, bytes: Uint8Array, value: number, valueEnd: number): "" {
  if (!equalsIgnoringCase(bytes, value, valueEnd, CONTINUE)) head.expect = EXPECT_OTHER;
  else if (head.minor === 1 && head.expect === EXPECT_NONE) head.expect = EXPECT_CONTINUE;
  return "";
}

/** Refuses a second Content-Type: the server and a program behind it could disagree about the body. */
function contentType(head: RequestHead): string {
  if (head.hasContentType) return "more than one Content-Type";
  head.hasContentType = true;
  return "";
}

/** 1*DIGIT, only once, at most 2^53-1, and never together with Transfer-Encoding (RFC 9112 §6.3). */
function contentLength(head: RequestHead, bytes: Uint8Array, value: number, valueEnd: number): string {
  if (head.contentLength >= 0) return "more than one Content-Length";
  if (head.chunked) return "both Content-Length and Transfer-Encoding";
  if (value === valueEnd) return "empty Content-Length";
  let length = 0;
  for (let at = value; at < valueEnd; at++) {
    const byte = bytes[at];
    if (byte < ZERO || byte > NINE) return "invalid Content-Length";
    length = length * 10 + (byte - ZERO);
    if (length > Number.MAX_SAFE_INTEGER) return "Content-Length beyond 2^53-1";
  }
  head.contentLength = length;
  return "";
}

/**
 * `chunked` must be the last coding, and HTTP/1.0 has no transfer codings (RFC 9112 §6.1, §7). Several lines form one list (RFC
 * 9110 §5.3), so only at the end of the head is it known whether the list has a coding that the server does not support.
 */
function transferEncoding(head: RequestHead, bytes: Uint8Array, value: number, valueEnd: number): string {
  if (head.minor === 0) return "Transfer-Encoding in HTTP/1.0";
  if (head.contentLength >= 0) return "both Content-Length and Transfer-Encoding";
  head.chunked = true;
  for (let at = value, end: number; ; at = end + 1) {
    end = codingEnd(bytes, at, valueEnd);
    if (head.coding === CODING_CHUNKED || head.coding === CODING_UNKNOWN)
      return "chunked is not the last transfer coding";
    const kind = codingKind(bytes, at, end);
    if (kind === MALFORMED) return "malformed Transfer-Encoding";
    if (kind === IS_OTHER) head.coding = CODING_OTHER;
    else head.coding = head.coding === CODING_NONE ? CODING_CHUNKED : CODING_UNKNOWN;
    if (end === valueEnd) return "";
  }
}

const MALFORMED = 0;
const IS_CHUNKED = 1;
const IS_OTHER = 2;

/** transfer-coding = token *( OWS ";" OWS token BWS "=" BWS ( token / quoted-string ) ); parameters of unknown codings are not checked. */
function codingKind(bytes: Uint8Array, start: number, end: number): number {
  const from = skipSpace(bytes, start, end);
  let at = from;
  while (at < end && TOKEN[bytes[at]] === 1) at++;
  if (at === from) return MALFORMED;
  const nameEnd = at;
  at = skipSpace(bytes, at, end);
  const chunked = equalsIgnoringCase(bytes, from, nameEnd, CHUNKED);
  if (at === end) return chunked ? IS_CHUNKED : IS_OTHER;
  return bytes[at] === SEMICOLON && !chunked ? IS_OTHER : MALFORMED;
}

/** `close` wins over every other token; HTTP/1.0 connections stay open only with `keep-alive` (RFC 9112 §9.3). */
function connection(head: RequestHead, bytes: Uint8Array, value: number, valueEnd: number): "" {
  for (let at = value; at < valueEnd; ) {
    const end = elementEnd(bytes, at, valueEnd);
    const from = skipSpace(bytes, at, end);
    const to = trimEnd(bytes, from, end);
    if (equalsIgnoringCase(bytes, from, to, CLOSE)) head.closing = true;
    else if (head.minor === 0 && equalsIgnoringCase(bytes, from, to, KEEP_ALIVE)) head.keepAlive = true;
    at = end + 1;
  }
  if (head.closing) head.keepAlive = false;
  return "";
}

function elementEnd(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  while (at < end && bytes[at] !== COMMA) at++;
  return at;
}

/** As `elementEnd`, but commas in quoted strings do not separate. */
function codingEnd(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  for (let quoted = false; at < end && (quoted || bytes[at] !== COMMA); at++) {
    if (bytes[at] === QUOTE) quoted = !quoted;
    else if (quoted && bytes[at] === BACKSLASH) at++;
  }
  return Math.min(at, end);
}

function skipSpace(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  while (at < end && (bytes[at] === SP || bytes[at] === HTAB)) at++;
  return at;
}

/** The end of bytes[start, end) without trailing spaces and tabs. */
export function trimEnd(bytes: Uint8Array, start: number, end: number): number {
  let at = end;
  while (at > start && (bytes[at - 1] === SP || bytes[at - 1] === HTAB)) at--;
  return at;
}
