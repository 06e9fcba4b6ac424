/**
 * multipart/form-data (RFC 7578, RFC 2046 §5.1) as a stream, resumable at every byte. The parser copies no data: it gives
 * offsets of pieces in the caller's bytes.
 */
import { CR, HTAB, LF, SP } from "../bytes.ts";
import { parameterised } from "../parameters.ts";
import { type FormPart, PartHead } from "./part-head.ts";

/** `next` needs more bytes than have arrived. */
const FORM_MORE = 0;
/** A part begins; `part` is its head. */
export const PART_BEGIN = 1;
/** A piece of the part's data: `bytes[dataStart, dataEnd)`. */
export const PART_DATA = 2;
/** The part is complete. */
export const PART_END = 3;
/** The closing delimiter has come; what follows is skipped. */
const FORM_END = 4;

const PREAMBLE = 0;
const AFTER_DELIMITER = 1;
const SECOND_DASH = 2;
const PADDING = 3;
const LINE_LF = 4;
const HEAD = 5;
const DATA = 6;
const PART_OVER = 7;
const EPILOGUE = 8;
const REFUSED = 9;

const DASH = 0x2d;
const CRLF = 2;
const NOTHING = Buffer.alloc(0);

/** bchars; the last one is not a space (RFC 2046 §5.1.1). */
const BOUNDARY = /^[0-9A-Za-z'()+_,\-./:=? ]{0,69}[0-9A-Za-z'()+_,\-./:=?]$/;

/** The boundary in a Content-Type field. Null: not multipart/form-data, or its boundary is missing or illegal. */
export function boundaryOf(contentType: string): string | null {
  const type = parameterised(contentType);
  const boundary = type?.parameters.get("boundary") ?? "";
  return type?.value === "multipart/form-data" && BOUNDARY.test(boundary) ? boundary : null;
}

/**
 *     while ((event = parser.next(bytes, at, end)) > 0) {
 *       ...                                     // PART_DATA: use parser.bytes[parser.dataStart, parser.dataEnd)
 *       at = parser.position;
 *     }                                         // 0: everything was used; below 0: -status
 *     ...and at the end of the body             // parser.complete, or the form was cut off: 400
 */
export class MultipartParser {
  /** End of the bytes used so far. */
  position = 0;
  /** Holds the piece of PART_DATA: the caller's bytes, or the parser's own copy of the delimiter where data only began like one. */
  bytes: Buffer = NOTHING;
  /** Start of the piece of PART_DATA, which is never empty. */
  dataStart = 0;
  dataEnd = 0;
  /** Why the form was refused, else "". */
  reason = "";

  private state = PREAMBLE;
  private readonly head = new PartHead();
  private readonly delimiter: Buffer;
  /** Bytes of the delimiter matched right before `position`; they are held back until it is known whether they are data. */
  private matched = CRLF;
  /** How many of the `matched` bytes are never data: the line end before the body or before a part's data may also begin a delimiter. */
  private before = CRLF;

  constructor(boundary: string) {
    this.delimiter = Buffer.from(`\r\n--${boundary}`, "latin1");
  }

  /** Head of the current part, valid from PART_BEGIN to PART_END. */
  get part(): FormPart {
    return this.head.part;
  }

  /** Whether the closing delimiter has come, so the form is complete. */
  get complete(): boolean {
    return this.state === EPILOGUE;
  }

  /** Parses bytes[start, end). Gives one of the events above, or -400 with the reason in `reason`. */
  next(bytes: Buffer, start: number, end: number): number {
    this.position = start;
    while (this.position < end || this.state === PART_OVER) {
      const event = this.step(bytes, end);
      if (event !== FORM_MORE) return event;
    }
    return this.state === REFUSED ? -400 : FORM_MORE;
  }

  private step(bytes: Buffer, end: number): number {
    switch (this.state) {
      case PREAMBLE:
      case DATA:
        return this.scan(bytes, end);
      case PART_OVER:
        return this.enter(AFTER_DELIMITER, PART_END);
      case HEAD:
        return this.headByte(bytes[this.position++]);
      case EPILOGUE:
        this.position = end;
        return FORM_MORE;
      case REFUSED:
        return -400;
      default:
        return this.delimiterByte(bytes[this.position++]);
    }
  }

  /** Finds data up to the next delimiter or possible beginning of one. The preamble is skipped. */
  private scan(bytes: Buffer, end: number): number {
    if (this.matched > 0) this.resume(bytes, end);
    else this.search(bytes, end);
    const inPart = this.state === DATA;
    if (this.matched === this.delimiter.length) this.state = inPart ? PART_OVER : AFTER_DELIMITER;
    return inPart && this.dataEnd > this.dataStart ? PART_DATA : FORM_MORE;
  }

  /** Continues matching a delimiter. On a mismatch the bytes held back are data; the delimiter itself serves as their copy. */
  private resume(bytes: Buffer, end: number): void {
    const { delimiter } = this;
    this.piece(delimiter, 0, 0);
    while (this.matched < delimiter.length) {
      if (this.position === end) return;
      if (bytes[this.position] !== delimiter[this.matched]) break;
      this.position++;
      this.matched++;
    }
    if (this.matched === delimiter.length) return;
    this.piece(delimiter, this.before, this.matched);
    this.matched = this.before = 0;
  }

  private search(bytes: Buffer, end: number): void {
    const at = this.position;
    const found = bytes.subarray(at, end).indexOf(this.delimiter);
    const stop = found < 0 ? this.heldFrom(bytes, at, end) : at + found;
    this.piece(bytes, at, stop);
    this.matched = found < 0 ? end - stop : this.delimiter.length;
    this.position = stop + this.matched;
  }

  /** Start of a delimiter that is cut off at `end`, or `end` if there is none. The delimiter's only CR is its first byte, so the last CR decides. */
  private heldFrom(bytes: Buffer, start: number, end: number): number {
    const tail = bytes.subarray(Math.max(start, end - this.delimiter.length + 1), end);
    const cr = tail.lastIndexOf(CR);
    const begun = cr >= 0 && tail.compare(this.delimiter, 0, tail.length - cr, cr) === 0;
    return begun ? end - tail.length + cr : end;
  }

  private piece(bytes: Buffer, start: number, end: number): void {
    this.bytes = bytes;
    this.dataStart = start;
    this.dataEnd = end;
  }

  /** Reads what follows a boundary: `--`, or white space and a line end. Anything else is a line that only begins with the boundary, which RFC 2046 forbids. */
  private delimiterByte(byte: number): number {
    switch (this.state) {
      case SECOND_DASH:
        return byte === DASH ? this.enter(EPILOGUE, FORM_END) : this.refuse("malformed closing delimiter");
      case LINE_LF:
        this.head.begin();
        return byte === LF ? this.enter(HEAD) : this.refuse("CR without LF behind a delimiter");
      default:
        if (byte === CR) return this.enter(LINE_LF);
        if (byte === SP || byte === HTAB) return this.enter(PADDING);
        if (byte === DASH && this.state === AFTER_DELIMITER) return this.enter(SECOND_DASH);
        return this.refuse("a delimiter is not followed by CRLF");
    }
  }

  private headByte(byte: number): number {
    const reason = this.head.take(byte);
    if (reason !== "") return this.refuse(reason);
    if (!this.head.ended) return FORM_MORE;
    this.matched = this.before = CRLF;
    return this.enter(DATA, PART_BEGIN);
  }

  private enter(state: number, event = FORM_MORE): number {
    this.state = state;
    return event;
  }

  private refuse(reason: string): number {
    this.state = REFUSED;
    this.reason = reason;
    return -400;
  }
}
