/**
 * Text on its way between Unicode, as configuration and file names are, and octets, as requests and replies are: strings
 * that have a character per byte (latin1).
 */
import { decodeName, encodeName, isUtf8 } from "../../ffi/text.ts";

/** The octets of a text's UTF-8; of a name's text (ffi/text.ts) the very bytes of the name. */
export function octets(text: string): string {
  return isAscii(text) ? text : encodeName(text).latin1Slice();
}

/** The name of a file, or a path, that octets are: `octets` gives the very same back. */
export function nameText(octets: string): string {
  if (isAscii(octets)) return octets;
  const bytes = Buffer.from(octets, "latin1");
  return decodeName(bytes, 0, bytes.length);
}

/** What octets say when they are read as UTF-8; those that are none are read as latin1. */
export function unicode(octets: string): string {
  if (isAscii(octets)) return octets;
  const bytes = Buffer.from(octets, "latin1");
  return isUtf8(bytes, 0, bytes.length) ? bytes.utf8Slice() : octets;
}

/** A loop, because a regular expression costs twice as much on short texts. */
function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0x7f) return false;
  return true;
}

/** Whether the octet of `text` at `at` is a space or a tab: the only white space of field values (RFC 9110 §5.6.3). */
export const isSpace = (text: string, at: number): boolean => text[at] === " " || text[at] === "\t";

/** text[start, end) without the spaces and tabs around it; `trim` would take octets of UTF-8 for spaces too. */
export function trimmed(text: string, start = 0, end = text.length): string {
  let from = start;
  let to = end;
  while (from < to && isSpace(text, from)) from++;
  while (from < to && isSpace(text, to - 1)) to--;
  return text.slice(from, to);
}
