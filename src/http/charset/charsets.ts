/** The charsets between which bodies are converted: those of one byte for each character, and UTF-8. */

/** For a byte that stands for nothing. */
export const NONE = -1;

/** ISO 8859-1 itself: the runtime, as browsers, reads it as windows-1252. */
const LATIN_1 = /^(?:iso-8859-1|iso8859-1|latin1|l1)$/;

const tables = new Map<string, readonly number[] | null>();

/** Whether a charset is UTF-8. @param name in small letters */
export const isUtf8 = (name: string): boolean => name === "utf-8" || name === "utf8";

/** The code points of the 256 bytes in a charset; null: it is unknown, or not one of one byte for each character. @param name in small letters */
export function codePoints(name: string): readonly number[] | null {
  let table = tables.get(name);
  if (table === undefined && tables.size < MOST_TABLES) tables.set(name, (table = read(name)));
  return table ?? null;
}

/** The names of replies could be any: no more than these are remembered. */
const MOST_TABLES = 256;

function read(name: string): readonly number[] | null {
  const bytes = Array.from({ length: 256 }, (_, byte) => byte);
  if (LATIN_1.test(name)) return bytes;
  const decoder = decoderOf(name);
  return decoder === null ? null : bytes.map((byte) => pointOf(decoder.decode(Uint8Array.of(byte))));
}

/** The charsets of the Encoding Standard that have one byte for each character. */
const SINGLE_BYTE = /^(?:ibm866|iso-8859-\d+(?:-i)?|koi8-[ru]|macintosh|windows-(?:874|125\d)|x-mac-cyrillic)$/;

function decoderOf(name: string): TextDecoder | null {
  try {
    const decoder = new TextDecoder(name as Bun.Encoding);
    return SINGLE_BYTE.test(decoder.encoding) ? decoder : null;
  } catch {
    return null; // it knows no such name
  }
}

const REPLACEMENT = 0xfffd;

function pointOf(text: string): number {
  const point = text.charCodeAt(0);
  return point === REPLACEMENT ? NONE : point;
}
