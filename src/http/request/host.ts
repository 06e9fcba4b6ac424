/** The authority of a request: `uri-host [ ":" port ]` (RFC 9110 §7.2, RFC 3986 §3.2.2). */
import { COLON, DOT, HEX, LOWER, NINE, PERCENT, REG_NAME, ZERO } from "../bytes.ts";

const OPENING = 0x5b;
const CLOSING = 0x5d;
const SMALL_V = 0x76;

/**
 * The end of the host in the authority bytes[start, end). -1 when the authority is not a non-empty host with an optional port
 * of at most 65535. An IPv6 address includes its brackets. Empty labels are refused although RFC 3986 allows them, so that
 * `root /sites/$host` cannot reach `..`.
 */
export function hostEndOf(bytes: Uint8Array, start: number, end: number): number {
  const hostEnd = bytes[start] === OPENING ? ipLiteralEnd(bytes, start, end) : regNameEnd(bytes, start, end);
  if (hostEnd <= start || hostEnd === end) return hostEnd > start ? hostEnd : -1;
  return bytes[hostEnd] === COLON && isPort(bytes, hostEnd + 1, end) ? hostEnd : -1;
}

/** The end of a registered name or IPv4 address, or -1. A dot may be the last character, but not the first, and not follow another. */
function regNameEnd(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  for (let previous = DOT; at < end && bytes[at] !== COLON; previous = bytes[at++]) {
    const byte = bytes[at];
    if (byte === DOT && previous === DOT) return -1;
    if (REG_NAME[byte] === 1) continue;
    if (byte !== PERCENT || at + 2 >= end || HEX[bytes[at + 1]] > 15 || HEX[bytes[at + 2]] > 15) return -1;
    at += 2;
  }
  return at;
}

/** Whether bytes[start, end) are the digits of a port; an empty port is allowed (RFC 3986 §3.2.3). */
function isPort(bytes: Uint8Array, start: number, end: number): boolean {
  let port = 0;
  for (let at = start; at < end; at++) {
    if (bytes[at] < ZERO || bytes[at] > NINE) return false;
    port = port * 10 + (bytes[at] - ZERO);
    if (port > 65535) return false;
  }
  return true;
}

/** The end of `[IPv6address]` or `[IPvFuture]`, or -1. */
function ipLiteralEnd(bytes: Uint8Array, start: number, end: number): number {
  let closing = start + 1;
  while (closing < end && bytes[closing] !== CLOSING) closing++;
  const isLiteral = isIpv6(bytes, start + 1, closing) || isIpvFuture(bytes, start + 1, closing);
  return closing < end && isLiteral ? closing + 1 : -1;
}

/** "v" 1*HEXDIG "." 1*( unreserved / sub-delims / ":" ) (RFC 3986 §3.2.2). Empty labels are refused here too. */
function isIpvFuture(bytes: Uint8Array, start: number, end: number): boolean {
  if (LOWER[bytes[start]] !== SMALL_V) return false;
  let at = start + 1;
  while (at < end && HEX[bytes[at]] < 16) at++;
  if (at === start + 1 || at + 1 >= end || bytes[at] !== DOT) return false;
  while (++at < end) {
    if (REG_NAME[bytes[at]] !== 1 && bytes[at] !== COLON) return false;
    if (bytes[at] === DOT && bytes[at - 1] === DOT) return false;
  }
  return true;
}

/** Eight groups of one to four hexadecimal digits. `::` replaces one or more groups, once. The last two groups may be an IPv4 address. */
function isIpv6(bytes: Uint8Array, start: number, end: number): boolean {
  let groups = 0;
  let gap = false;
  let at = start;
  while (at < end) {
    if (bytes[at] === COLON && bytes[at + 1] === COLON && at + 1 < end) {
      if (gap) return false;
      gap = true;
      at += 2;
      continue;
    }
    // A group is followed by one colon; at the start and after `::` there is none to skip.
    if (groups > 0 && bytes[at - 1] !== COLON) {
      if (bytes[at] !== COLON) return false;
      at++;
    } else if (bytes[at] === COLON) return false;
    const groupEnd = hexGroupEnd(bytes, at, end);
    if (groupEnd < end && bytes[groupEnd] === DOT) {
      if (!isIpv4(bytes, at, end)) return false;
      groups += 2;
      break;
    }
    if (groupEnd === at) return false;
    groups++;
    at = groupEnd;
  }
  return gap ? groups < 8 : groups === 8;
}

function hexGroupEnd(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  while (at < end && at - start < 4 && HEX[bytes[at]] < 16) at++;
  return at;
}

/** Four decimal octets without leading zeros (RFC 3986 §3.2.2). */
function isIpv4(bytes: Uint8Array, start: number, end: number): boolean {
  let octets = 0;
  let at = start;
  while (octets < 4) {
    const first = at;
    let value = 0;
    while (at < end && at - first < 3 && bytes[at] >= ZERO && bytes[at] <= NINE)
      value = value * 10 + (bytes[at++] - ZERO);
    if (at === first || value > 255 || (bytes[first] === ZERO && at - first > 1)) return false;
    if (++octets < 4 && bytes[at++] !== DOT) return false;
  }
  return at === end;
}
