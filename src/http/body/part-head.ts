/** The head of one part of a form (RFC 7578 §4): parsed strictly, within limits, into what a form's reader needs. */
import { isUtf8 } from "../../../ffi/text.ts";
import { COLON, CR, HTAB, LF, SP } from "../bytes.ts";
import { isToken } from "../headers.ts";
import { unicode } from "../octets.ts";
import { parameterised } from "../parameters.ts";
import { trimEnd } from "../request/fields.ts";

/** Most bytes of one part's head, line ends included. */
const MAX_PART_HEAD_BYTES = 8192;
/** Most field lines of one part's head. */
const MAX_PART_FIELDS = 16;

/** The content of a part's head. */
export interface FormPart {
  /** The form field's name. */
  readonly name: string;
  /** The file's name as the client sent it, decoded but not reduced to its last component; null: the part is a field, not a file. */
  readonly filename: string | null;
  /** Content-Type as it came (octets), or "". */
  readonly type: string;
}

/** Encodings that leave the bytes unchanged (RFC 7578 §4.7 forbids the others in HTTP). */
const IDENTITY = /^(?:7bit|8bit|binary)$/i;

/** Reads the field lines up to the empty line, byte by byte. */
export class PartHead {
  /** The empty line has come, so `part` is valid. */
  ended = false;
  part: FormPart = { name: "", filename: null, type: "" };

  /** The current line without its end. */
  private readonly line = Buffer.alloc(MAX_PART_HEAD_BYTES);
  private length = 0;
  private total = 0;
  private fields = 0;
  private afterCr = false;
  /** A line has ended; the next byte decides whether it is continued (folded). */
  private lineEnded = false;
  private disposition: string | undefined;
  private type: string | undefined;
  private encoding: string | undefined;

  /** Prepares for the next part. */
  begin(): void {
    this.ended = this.afterCr = this.lineEnded = false;
    this.length = this.total = this.fields = 0;
    this.disposition = this.type = this.encoding = undefined;
  }

  /** Reads one byte; gives "" or the reason for a refusal. Other control characters are left to the user of the value. */
  take(byte: number): string {
    if (++this.total > MAX_PART_HEAD_BYTES) return "the head of a part is too long";
    if (this.afterCr) return byte === LF ? this.lineEnd() : "CR without LF in the head of a part";
    if (this.lineEnded) return this.nextLine(byte);
    if (byte === CR) this.afterCr = true;
    else if (byte === LF || byte === 0) return "LF without CR, or NUL, in the head of a part";
    else this.line[this.length++] = byte;
    return "";
  }

  private lineEnd(): string {
    this.afterCr = false;
    if (this.length === 0) return this.headEnd();
    this.lineEnded = true;
    return "";
  }

  /** Reads the first byte after a line: white space continues that line (RFC 5322 §2.2.3). Heads of parts may be folded; HTTP's own may not. */
  private nextLine(byte: number): string {
    this.lineEnded = false;
    const reason = byte === SP || byte === HTAB ? "" : this.fieldEnd();
    if (reason !== "") return reason;
    this.total--; // the caller counted it already
    return this.take(byte);
  }

  private fieldEnd(): string {
    if (++this.fields > MAX_PART_FIELDS) return "too many fields in the head of a part";
    const colon = this.line.indexOf(COLON);
    const name = this.line.latin1Slice(0, Math.max(0, Math.min(colon, this.length)));
    if (colon >= this.length || !isToken(name)) return "malformed field line in the head of a part";
    const valueEnd = trimEnd(this.line, colon + 1, this.length);
    const reason = this.field(name.toLowerCase(), this.line.latin1Slice(colon + 1, valueEnd).replace(/^[ \t]+/, ""));
    this.length = 0;
    return reason;
  }

  /** Stores a field that forms use; "any other header fields MUST be ignored" (RFC 7578 §4.8). */
  private field(name: string, value: string): string {
    switch (name) {
      case "content-disposition":
        if (this.disposition !== undefined) return "more than one Content-Disposition in a part";
        this.disposition = value;
        return "";
      case "content-type":
        if (this.type !== undefined) return "more than one Content-Type in a part";
        this.type = value;
        return "";
      case "content-transfer-encoding":
        if (this.encoding !== undefined) return "more than one Content-Transfer-Encoding in a part";
        this.encoding = value;
        return IDENTITY.test(value) ? "" : "a part in a transfer encoding";
      default:
        return "";
    }
  }

  private headEnd(): string {
    if (this.disposition === undefined) return "a part without Content-Disposition";
    const disposition = parameterised(this.disposition);
    if (disposition?.value !== "form-data") return "a part whose Content-Disposition is not well-formed form-data";
    const name = disposition.parameters.get("name");
    if (name === undefined) return "a part without a name";
    const filename = fileName(disposition.parameters);
    if (filename === undefined) return "malformed filename* in a part";
    this.part = { name: unicode(name), filename, type: this.type ?? "" };
    this.ended = true;
    return "";
  }
}

/**
 * The file name. `filename*`, which forms should not have (RFC 7578 §4.2), comes before `filename` if it is valid (RFC 6266 §4.3).
 * null: neither is there; undefined: neither is valid.
 */
function fileName(parameters: ReadonlyMap<string, string>): string | null | undefined {
  const extended = parameters.get("filename*");
  const plain = parameters.get("filename");
  const name = extended === undefined ? undefined : extendedValue(extended);
  if (name !== undefined) return name;
  if (plain !== undefined) return unicode(plain);
  return extended === undefined ? null : undefined;
}

/** ext-value = charset "'" [ language ] "'" value-chars (RFC 8187 §3.2.1). */
const EXTENDED = /^(utf-8|iso-8859-1)'[^']*'((?:[A-Za-z0-9!#$&+\-.^_`|~]|%[0-9A-Fa-f]{2})*)$/i;

function extendedValue(value: string): string | undefined {
  const match = EXTENDED.exec(value);
  if (match === null) return undefined;
  const octets = match[2].replace(/%(..)/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  if (match[1].toLowerCase() !== "utf-8") return octets;
  const bytes = Buffer.from(octets, "latin1");
  return isUtf8(bytes, 0, bytes.length) ? bytes.utf8Slice() : undefined;
}
