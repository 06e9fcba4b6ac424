/** Parses the header block of a script's output (RFC 3875 §6), fed in pieces of any size. */

import type { Field } from "../../exchange/reply.ts";
import { CR, FIELD_TEXT, HTAB, LF, SP } from "../../http/bytes.ts";
import { isToken } from "../../http/headers.ts";
import { trimmed } from "../../http/octets.ts";
import { putField } from "../../http/reply/response.ts";

/** Most bytes of a header block, its empty line included. */
const MOST_BYTES = 64 * 1024;

/** Fields that the server sets itself, or that describe the connection, which is not the script's (RFC 9110 §7.6.1). Dropped. */
const NOT_PASSED_ON = new Set([
  "connection",
  "date",
  "keep-alive",
  "proxy-connection",
  "server",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/** Fields that the server interprets. If one occurs twice, the header block is refused. */
const ONCE = new Set(["status", "location", "content-length", "content-type", "x-session-patch"]);

/** Call `feed` until it returns something other than 0. Values are octets. */
export class OutputHead {
  /** Why `feed` returned -1. */
  reason = "";
  /** 200 to 599; 0: none given. */
  status = 0;
  location: string | null = null;
  /** -1: none given. */
  contentLength = -1;
  /** X-Session-Patch. */
  sessionPatch: string | null = null;
  /** All other fields in order, Content-Type included, without those that are dropped. Of a field that may occur only once, the last one. */
  readonly fields: Field[] = [];
  private readonly seen = new Set<string>();
  /** The beginning of a line that is not complete. */
  private line = "";
  private length = 0;

  /** Bytes used of bytes[start, end), the empty line included; 0: the block is not complete; -1: malformed, see `reason`. Copies what it needs. */
  feed(bytes: Buffer, start: number, end: number): number {
    const given = bytes.subarray(0, end);
    for (let at = start; at < end; ) {
      const lineEnd = given.indexOf(LF, at);
      const next = lineEnd < 0 ? end : lineEnd + 1;
      this.length += next - at;
      if (this.length > MOST_BYTES) return this.refuse(`it is longer than ${MOST_BYTES} bytes`);
      this.line += bytes.latin1Slice(at, lineEnd < 0 ? end : lineEnd);
      at = next;
      if (lineEnd < 0) break;
      const outcome = this.takeLine();
      if (outcome !== 0) return outcome < 0 ? -1 : at - start;
    }
    return this.length >= MOST_BYTES ? this.refuse(`it is longer than ${MOST_BYTES} bytes`) : 0;
  }

  /** A line is complete. 1: it was the last; -1: malformed; else 0. */
  private takeLine(): number {
    const line = this.line.charCodeAt(this.line.length - 1) === CR ? this.line.slice(0, -1) : this.line;
    this.line = "";
    if (line === "") return this.complete();
    const first = line.charCodeAt(0);
    if (first === SP || first === HTAB) return this.refuse("a line begins with white space");
    const colon = line.indexOf(":");
    if (colon < 0) return this.refuse(`no colon in ${shown(line)}`);
    const name = line.slice(0, colon);
    if (!isToken(name)) return this.refuse(`${shown(name)} is no field name`);
    const value = trimmed(line, colon + 1);
    if (!isFieldText(value)) return this.refuse(`a control character in the value of ${name}`);
    return this.takeField(name, value);
  }

  private takeField(name: string, value: string): number {
    const lower = name.toLowerCase();
    if (lower === "content-type" && value === "") return 0; // treated as missing: a type is never empty
    if (ONCE.has(lower)) {
      if (this.seen.has(lower)) return this.refuse(`${name} twice`);
      this.seen.add(lower);
    }
    switch (lower) {
      case "status":
        return this.takeStatus(value);
      case "location":
        this.location = value;
        return value === "" ? this.refuse("an empty Location") : 0;
      case "content-length":
        return this.takeLength(value);
      case "x-session-patch":
        this.sessionPatch = value;
        return 0;
    }
    if (!NOT_PASSED_ON.has(lower)) putField(this.fields, name, value);
    return 0;
  }

  /** `404 Not Found`; the reason phrase is ignored, the server has its own. An interim status (1xx) is refused. */
  private takeStatus(value: string): number {
    if (!/^[2-5]\d\d(?:[ \t]|$)/.test(value)) return this.refuse(`Status is ${shown(value)}`);
    this.status = Number(value.slice(0, 3));
    return 0;
  }

  private takeLength(value: string): number {
    const length = /^\d+$/.test(value) ? Number(value) : -1;
    if (length < 0 || !Number.isSafeInteger(length)) return this.refuse(`Content-Length is ${shown(value)}`);
    this.contentLength = length;
    return 0;
  }

  /** §6.3: at least one of these is there. */
  private complete(): number {
    if (this.seen.has("content-type") || this.location !== null || this.status !== 0) return 1;
    return this.refuse("it has neither Content-Type nor Location nor Status");
  }

  private refuse(reason: string): -1 {
    this.reason = reason;
    return -1;
  }
}

function isFieldText(value: string): boolean {
  for (let i = 0; i < value.length; i++) if (FIELD_TEXT[value.charCodeAt(i)] === 0) return false;
  return true;
}

/** A line as the error log shows it. */
function shown(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}...` : text);
}
