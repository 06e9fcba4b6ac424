/**
 * Names of files as text. Linux allows any byte but NUL and the slash in a name; most names are UTF-8. A byte that is not
 * part of well-formed UTF-8 becomes one code unit of its own, U+DC80 to U+DCFF, which well-formed text never contains. So
 * every name has exactly one text, and the text gives the same bytes back (like Python's "surrogateescape", PEP 383).
 */

/** An escaped byte's code unit is ESCAPE | byte. */
const ESCAPE = 0xdc00;
const LEAD_SURROGATE = 0xd800;
const LAST_LEAD_SURROGATE = 0xdbff;

/** Decodes the name in bytes[start, end). */
export function decodeName(bytes: Buffer, start: number, end: number): string {
  if (isUtf8(bytes, start, end)) return bytes.utf8Slice(start, end);
  let text = "";
  for (let at = start; at < end; ) {
    const wellFormed = utf8Until(bytes, at, end);
    text += bytes.utf8Slice(at, wellFormed);
    at = wellFormed;
    if (at < end) text += String.fromCharCode(ESCAPE | bytes[at++]!);
  }
  return text;
}

/** Encodes a name's text. A surrogate that is not an escaped byte becomes U+FFFD, as usual in UTF-8 encoders. */
export function encodeName(text: string): Buffer {
  return text.isWellFormed() ? Buffer.from(text, "utf8") : Buffer.from(nameOctets(text), "latin1");
}

/** As `encodeName`, one character per byte. */
function nameOctets(text: string): string {
  let octets = "";
  for (let at = 0; at < text.length; ) {
    const next = escapedByteFrom(text, at);
    octets += Buffer.from(text.slice(at, next), "utf8").latin1Slice();
    at = next;
    if (at < text.length) octets += String.fromCharCode(text.charCodeAt(at++) & 0xff);
  }
  return octets;
}

/** Index of the first escaped byte of `text` at or after `at`, or the text's length. */
function escapedByteFrom(text: string, at: number): number {
  for (; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit >= LEAD_SURROGATE && unit <= LAST_LEAD_SURROGATE) at += isTrailing(text.charCodeAt(at + 1)) ? 1 : 0;
    else if (unit >= (ESCAPE | 0x80) && unit <= (ESCAPE | 0xff)) return at;
  }
  return Math.min(at, text.length);
}

const isTrailing = (unit: number): boolean => unit >= 0xdc00 && unit <= 0xdfff;

/** Whether bytes[start, end) are well-formed UTF-8 (RFC 3629 §4). */
export function isUtf8(bytes: Uint8Array, start: number, end: number): boolean {
  return utf8Until(bytes, start, end) === end;
}

/** The end of the well-formed UTF-8 that starts at `start`. */
function utf8Until(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  for (let length = 1; at < end && length > 0; at += length) length = utf8Length(bytes, at, end);
  return at;
}

/** The length of the well-formed UTF-8 sequence at `at`, or 0. */
function utf8Length(bytes: Uint8Array, at: number, end: number): number {
  const lead = bytes[at]!;
  if (lead < 0x80) return 1;
  const length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || at + length > end) return 0;
  const second = bytes[at + 1]!;
  const lowest = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80;
  const highest = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf;
  if (second < lowest || second > highest) return 0;
  for (let i = 2; i < length; i++) if ((bytes[at + i]! & 0xc0) !== 0x80) return 0;
  return length;
}
