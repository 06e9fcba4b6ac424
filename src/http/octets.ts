/**
 * Converts between Unicode text (configuration, file names) and octets (requests, replies). Octets are strings with one
 * character per byte (latin1).
 */
import { decodeName, encodeName, isUtf8 } from "../../ffi/text.ts";

/** Encodes a text as UTF-8 octets. The text of a file name (ffi/text.ts) gives the exact bytes of the name. */
export function octets(text: string): string {
  return isAscii(text) ? text : encodeName(text).latin1Slice();
}

/** Decodes octets to the text of a file name or path; `octets` gives the same octets back. */
export function nameText(octets: string): string {
  if (isAscii(octets)) return octets;
  const bytes = Buffer.from(octets, "latin1");
  return decodeName(bytes, 0, bytes.length);
}

/** Decodes octets as UTF-8, or as latin1 when they are not well-formed UTF-8. */
export function unicode(octets: string): string {
  if (isAscii(octets)) return octets;
  const bytes = Buffer.from(octets, "latin1");
  return isUtf8(bytes, 0, bytes.length) ? bytes.utf8Slice() : octets;
}

/** A text in small letters; only ASCII ones have any, because the others are parts of characters. */
export function lowerCase(text: string): string {
  return isAscii(text) ? text.toLowerCase() : text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}

/** A loop, because a regular expression takes twice as long on short texts. */
function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0x7f) return false;
  return true;
}

/** Whether the octet of `text` at `at` is a space or a tab, the only white space in field values (RFC 9110 §5.6.3). */
export const isSpace = (text: string, at: number): boolean => text[at] === " " || text[at] === "\t";

/** text[start, end) without surrounding spaces and tabs. `String.trim` would also remove octets of UTF-8 that it takes for spaces. */
export function trimmed(text: string, start = 0, end = text.length): string {
  let from = start;
  let to = end;
  while (from < to && isSpace(text, from)) from++;
  while (from < to && isSpace(text, to - 1)) to--;
  return text.slice(from, to);
}

/** An octet (a character up to U+00FF) as `%` and two digits. */
export const percentEncoded = (octet: string): string =>
  `%${octet.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`;
