/** Parses the header block of a script's output (RFC 3875 §6), fed in pieces of any size. */

import type { Field } from "../../exchange/reply.ts";
import { putField } from "../../http/reply/response.ts";
import { fieldOf, HeaderLines, shown, TOO_LONG } from "../../http/response/header-lines.ts";

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
  private readonly lines = new HeaderLines(MOST_BYTES, (line) => this.takeLine(line) === 0);

  /** Bytes used of bytes[start, end), the empty line included; 0: the block is not complete; -1: malformed, see `reason`. Copies what it needs. */
  feed(bytes: Buffer, start: number, end: number): number {
    const used = this.lines.feed(bytes, start, end);
    return used === TOO_LONG ? this.refuse(`it is longer than ${MOST_BYTES} bytes`) : used;
  }

  /** 0, or -1: malformed. */
  private takeLine(line: string): number {
    if (line === "") return this.complete();
    const field = fieldOf(line);
    return typeof field === "string" ? this.refuse(field) : this.takeField(field[0], field[1]);
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
    if (this.seen.has("content-type") || this.location !== null || this.status !== 0) return 0;
    return this.refuse("it has neither Content-Type nor Location nor Status");
  }

  private refuse(reason: string): -1 {
    this.reason = reason;
    return -1;
  }
}
