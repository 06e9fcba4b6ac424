/** Bytes in HTTP's grammar: tables of character classes, and comparisons that make no strings. */

export const HTAB = 0x09;
export const LF = 0x0a;
export const CR = 0x0d;
export const SP = 0x20;
export const QUOTE = 0x22;
export const HASH = 0x23;
export const PERCENT = 0x25;
export const ASTERISK = 0x2a;
export const PLUS = 0x2b;
export const COMMA = 0x2c;
export const DOT = 0x2e;
export const SLASH = 0x2f;
export const ZERO = 0x30;
export const NINE = 0x39;
export const COLON = 0x3a;
export const SEMICOLON = 0x3b;
export const EQUALS = 0x3d;
export const QUESTION = 0x3f;
export const BACKSLASH = 0x5c;
const DEL = 0x7f;

const ALPHANUMERIC = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/** A table that holds 1 for each character of `characters`. */
export function classOf(characters: string): Uint8Array {
  const table = new Uint8Array(256);
  for (let i = 0; i < characters.length; i++) table[characters.charCodeAt(i)] = 1;
  return table;
}

/** 1 for the characters of a token (RFC 9110 §5.6.2). */
export const TOKEN = classOf(ALPHANUMERIC + "!#$%&'*+-.^_`|~");

/** 1 for the characters of the names of fields that nginx does not drop, and the same with the underscore. */
export const PLAIN_NAME = classOf(`${ALPHANUMERIC}-`);
export const PLAIN_OR_UNDERSCORE = classOf(`${ALPHANUMERIC}-_`);

/** 1 for the characters of a field value: visible characters, SP, HTAB and obs-text (RFC 9110 §5.5). */
export const FIELD_TEXT = new Uint8Array(256).map((_, byte) => (byte === HTAB || (byte >= SP && byte !== DEL) ? 1 : 0));

/** 1 for unreserved characters and sub-delims (RFC 3986 §2): the characters of a registered name, except percent-encodings. */
export const REG_NAME = classOf(ALPHANUMERIC + "-._~!$&'()*+,;=");

/** The value of a hexadecimal digit; 255 for every other byte. */
export const HEX = new Uint8Array(256).map((_, byte) => {
  const digit = "0123456789abcdef".indexOf(String.fromCharCode(byte).toLowerCase());
  return digit < 0 ? 255 : digit;
});

/** ASCII capitals as small letters; other bytes unchanged. */
export const LOWER = new Uint8Array(256).map((_, byte) => (byte >= 0x41 && byte <= 0x5a ? byte + 32 : byte));

/** The bytes of an ASCII text, for the comparisons below. */
export function ascii(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

/** Whether bytes[start...] begins with `lower`, ignoring case. The caller has checked the length. */
export function startsWithIgnoringCase(bytes: Uint8Array, start: number, lower: Uint8Array): boolean {
  for (let i = 0; i < lower.length; i++) if (LOWER[bytes[start + i]] !== lower[i]) return false;
  return true;
}

/** Whether bytes[start, end) equals `lower`, ignoring case. */
export function equalsIgnoringCase(bytes: Uint8Array, start: number, end: number, lower: Uint8Array): boolean {
  return end - start === lower.length && startsWithIgnoringCase(bytes, start, lower);
}

/** Index of the first byte in bytes[at, end) that `table` does not map to 1, or `end`. Four bytes at a time, because the branch costs more than the look-up. */
export function skipClass(table: Uint8Array, bytes: Uint8Array, at: number, end: number): number {
  for (; at + 4 <= end; at += 4) {
    if ((table[bytes[at]] & table[bytes[at + 1]] & table[bytes[at + 2]] & table[bytes[at + 3]]) === 0) break;
  }
  while (at < end && table[bytes[at]] === 1) at++;
  return at;
}
