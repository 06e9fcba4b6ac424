/** Splits a script's standard error into lines. */
import { CR, LF } from "../../http/bytes.ts";
import { unicode } from "../../http/octets.ts";

/** Most bytes of a line; the rest of a longer one is left out. */
const MOST_BYTES = 8 * 1024;
/** Stands where something was left out. */
const CUT = "...";
export class ErrorLines {
  /** The beginning of a line that is not complete, as octets. */
  private line = "";
  private cut = false;
  /** Lines that have been logged, and characters in them. */
  logged = 0;
  characters = 0;

  /** @param log called with each line that is not empty, as Unicode, without its end */
  constructor(private readonly log: (line: string) => void) {}

  /**
   * Logs the lines that end within bytes[start, end), at most `most`. Returns the offset up to which bytes were used; copies what it
   * keeps.
   */
  feed(bytes: Buffer, start: number, end: number, most: number): number {
    const given = bytes.subarray(0, end);
    let at = start;
    for (let lines = 0; at < end && lines < most; lines++) {
      const lineEnd = given.indexOf(LF, at);
      this.add(bytes, at, lineEnd < 0 ? end : lineEnd);
      if (lineEnd < 0) return end;
      this.end();
      at = lineEnd + 1;
    }
    return at;
  }

  /** The output has ended: logs the last line, which has no end. */
  end(): void {
    const line = this.cut ? wholeCharacters(this.line) : this.line;
    const text = line.charCodeAt(line.length - 1) === CR ? line.slice(0, -1) : line;
    const mark = this.cut ? CUT : "";
    this.line = "";
    this.cut = false;
    if (text === "") return;
    this.logged++;
    this.characters += text.length;
    this.log(unicode(text) + mark);
  }

  private add(bytes: Buffer, start: number, end: number): void {
    const room = MOST_BYTES - this.line.length;
    if (end - start > room) this.cut = true;
    if (room > 0) this.line += bytes.latin1Slice(start, Math.min(end, start + room));
  }
}

/** `line` without the incomplete UTF-8 character that cutting it may have left at its end. */
function wholeCharacters(line: string): string {
  let last = line.length - 1;
  for (let i = 0; i < 3 && (line.charCodeAt(last) & 0xc0) === 0x80; i++) last--;
  const lead = line.charCodeAt(last);
  const length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;
  return last + length > line.length ? line.slice(0, last) : line;
}
