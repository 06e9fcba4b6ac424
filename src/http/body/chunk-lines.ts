/** The rare parts of chunked framing: chunk extensions (RFC 9112 §7.1.1) and trailers (§7.1.2), read byte by byte, with limits. */
import { BACKSLASH, COLON, CR, EQUALS, FIELD_TEXT, HTAB, LF, LOWER, QUOTE, SEMICOLON, SP, TOKEN } from "../bytes.ts";

/** Most bytes of all chunk extensions in one body. */
const MAX_EXTENSION_BYTES = 4096;
/** Most bytes of the trailer section. */
const MAX_TRAILER_BYTES = 8192;

const BEFORE_SEMICOLON = 0;
const BEFORE_NAME = 1;
const NAME = 2;
const AFTER_NAME = 3;
const BEFORE_VALUE = 4;
const VALUE = 5;
const QUOTED = 6;
const ESCAPED = 7;
const AFTER_QUOTED = 8;
const ENDED = 9;
const BROKEN = 10;

/** chunk-ext = *( BWS ";" BWS token [ BWS "=" BWS ( token / quoted-string ) ] ), ended by CR. */
export class ExtensionParser {
  private state = BEFORE_SEMICOLON;
  private bytes = 0;

  /** Prepares for a new body and resets the limit. */
  reset(): void {
    this.bytes = 0;
    this.begin();
  }

  /** Prepares for the extensions of the next chunk. */
  begin(): void {
    this.state = BEFORE_SEMICOLON;
  }

  /** The CR has come. */
  get ended(): boolean {
    return this.state === ENDED;
  }

  /** Reads one byte; false when the extensions are malformed or exceed the limit. */
  take(byte: number): boolean {
    this.state = ++this.bytes > MAX_EXTENSION_BYTES ? BROKEN : this.after(byte);
    return this.state !== BROKEN;
  }

  /** White space is allowed only before something else, not before the line's end. */
  private after(byte: number): number {
    const space = byte === SP || byte === HTAB;
    const token = TOKEN[byte] === 1;
    switch (this.state) {
      case BEFORE_NAME:
        return token ? NAME : space ? BEFORE_NAME : BROKEN;
      case NAME:
        if (token) return NAME;
        return space ? AFTER_NAME : byte === EQUALS ? BEFORE_VALUE : this.afterValue(byte);
      case AFTER_NAME:
        if (byte === EQUALS) return BEFORE_VALUE;
        return space ? AFTER_NAME : byte === SEMICOLON ? BEFORE_NAME : BROKEN;
      case BEFORE_VALUE:
        return token ? VALUE : space ? BEFORE_VALUE : byte === QUOTE ? QUOTED : BROKEN;
      case VALUE:
        return token ? VALUE : this.afterValue(byte);
      case QUOTED:
        return byte === QUOTE ? AFTER_QUOTED : byte === BACKSLASH ? ESCAPED : FIELD_TEXT[byte] === 1 ? QUOTED : BROKEN;
      case ESCAPED:
        return FIELD_TEXT[byte] === 1 ? QUOTED : BROKEN;
      case AFTER_QUOTED:
        return this.afterValue(byte);
      default:
        return space ? BEFORE_SEMICOLON : byte === SEMICOLON ? BEFORE_NAME : BROKEN;
    }
  }

  private afterValue(byte: number): number {
    if (byte === CR) return ENDED;
    return byte === SEMICOLON ? BEFORE_NAME : byte === SP || byte === HTAB ? BEFORE_SEMICOLON : BROKEN;
  }
}

/**
 * Fields that define where the body ends. In a trailer they are an attempt to make two readers disagree (RFC 9112 §11.2), so they
 * are refused. Others, of which some may not be in a trailer (RFC 9110 §6.5.1), are known to $trailer_ and are not passed on.
 */
const FORBIDDEN: ReadonlySet<string> = new Set(["transfer-encoding", "content-length"]);
const LONGEST = Math.max(...Array.from(FORBIDDEN, (name) => name.length));

const LINE_START = 0;
const FIELD_NAME = 1;
const FIELD_VALUE = 2;
const FIELD_LF = 3;
const LAST_LF = 4;

/** trailer-section = *( field-line CRLF ) CRLF; fields are checked like those of a head. */
export class TrailerParser {
  /** The empty line has come. */
  ended = false;
  /** The section as far as it was read, in octets. */
  text = "";
  private state = LINE_START;
  /** The start of the field name in small letters: one byte longer than the longest forbidden name. */
  private readonly name = Buffer.alloc(LONGEST + 1);
  private nameLength = 0;

  /** Prepares for a new body. */
  reset(): void {
    this.ended = false;
    this.state = LINE_START;
    this.text = "";
  }

  /** Reads one byte; gives "" or the reason for a refusal. */
  take(byte: number): string {
    if (this.text.length === MAX_TRAILER_BYTES) return "trailer section too long";
    this.text += String.fromCharCode(byte);
    switch (this.state) {
      case LINE_START:
        return this.lineStart(byte);
      case FIELD_NAME:
        return this.fieldName(byte);
      case FIELD_VALUE:
        if (byte === CR) return this.enter(FIELD_LF);
        return FIELD_TEXT[byte] === 1 ? "" : "control character in a trailer field";
      case FIELD_LF:
        return byte === LF ? this.enter(LINE_START) : "CR without LF";
      default:
        this.ended = byte === LF;
        return this.ended ? "" : "CR without LF";
    }
  }

  private lineStart(byte: number): string {
    if (byte === CR) return this.enter(LAST_LF);
    this.nameLength = 0;
    this.state = FIELD_NAME;
    return byte === COLON ? "empty field name in a trailer" : this.fieldName(byte);
  }

  private fieldName(byte: number): string {
    if (byte === COLON) return this.isForbidden() ? "a field of the framing in a trailer" : this.enter(FIELD_VALUE);
    if (TOKEN[byte] !== 1) return "invalid byte in a trailer field name";
    if (this.nameLength < this.name.length) this.name[this.nameLength++] = LOWER[byte];
    return "";
  }

  private isForbidden(): boolean {
    return FORBIDDEN.has(this.name.latin1Slice(0, this.nameLength));
  }

  private enter(state: number): "" {
    this.state = state;
    return "";
  }
}
