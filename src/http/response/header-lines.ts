/** Splits the header block of a program's output (RFC 3875 §6) into lines and fields. Lines end with LF or CRLF. Pure. */
import { CR, FIELD_TEXT, HTAB, LF, SP } from "../bytes.ts";
import { isToken } from "../headers.ts";
import { trimmed } from "../octets.ts";

/** Results of HeaderLines.feed that are no count. */
const REFUSED = -1;
export const TOO_LONG = -2;

export class HeaderLines {
  /** The beginning of a line that is not complete. */
  private line = "";
  private length = 0;

  /**
   * @param limit most bytes of a block, its empty line included
   * @param take gets each line (octets) without its end; the empty one is the last. False: it refuses.
   */
  constructor(
    private readonly limit: number,
    private readonly take: (line: string) => boolean,
  ) {}

  /** Bytes used of bytes[start, end) when the block is complete; 0: it is not; REFUSED: by `take`; TOO_LONG. Copies what it needs. */
  feed(bytes: Buffer, start: number, end: number): number {
    for (let at = start; at < end; ) {
      const found = bytes.indexOf(LF, at);
      const lineEnd = found < end ? found : -1;
      const next = lineEnd < 0 ? end : lineEnd + 1;
      this.length += next - at;
      if (this.length > this.limit) return TOO_LONG;
      this.line += bytes.latin1Slice(at, lineEnd < 0 ? end : lineEnd);
      at = next;
      if (lineEnd < 0) break;
      const line = this.line.charCodeAt(this.line.length - 1) === CR ? this.line.slice(0, -1) : this.line;
      this.line = "";
      if (!this.take(line)) return REFUSED;
      if (line === "") return at - start;
    }
    return this.length >= this.limit ? TOO_LONG : 0;
  }
}

/** The field of a line, its value trimmed; a string tells what is wrong with the line. */
export function fieldOf(line: string): readonly [name: string, value: string] | string {
  const first = line.charCodeAt(0);
  if (first === SP || first === HTAB) return "a line begins with white space";
  const colon = line.indexOf(":");
  if (colon < 0) return `no colon in ${shown(line)}`;
  const name = line.slice(0, colon);
  if (!isToken(name)) return `${shown(name)} is no field name`;
  const value = trimmed(line, colon + 1);
  return isFieldText(value) ? [name, value] : `a control character in the value of ${name}`;
}

function isFieldText(value: string): boolean {
  for (let i = 0; i < value.length; i++) if (FIELD_TEXT[value.charCodeAt(i)] === 0) return false;
  return true;
}

/** A text as the error log shows it. */
export function shown(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}...` : text);
}
