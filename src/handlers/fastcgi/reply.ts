/**
 * The head of the reply of a program behind FastCGI, uwsgi or SCGI: the header block of CGI (RFC 3875 §6), which nginx takes without
 * any field, too, and behind uwsgi and SCGI a status line before it.
 */
import type { Exchange } from "../../exchange/exchange.ts";
import type { Field } from "../../exchange/reply.ts";
import { indexOfSingleton } from "../../http/reply/response.ts";
import { isBodiless } from "../../http/reply/status.ts";
import { fieldOf, HeaderLines, shown, TOO_LONG } from "../../http/response/header-lines.ts";
import type { UpstreamReplies } from "../relay/reply/upstream-head.ts";
import type { RelayedBody, ReplyHead } from "../relay/reply-head.ts";

/** Most fields of a head, as for requests. */
const MOST_FIELDS = 1000;
/** RFC 9110 §15.3.6: it has no body, but its Content-Length of 0. */
const RESET_CONTENT = 205;
const STATUS_LINE = /^HTTP\/1\.\d ([2-5]\d\d)(?: |$)/;

export class ProgramReply implements ReplyHead {
  reason = "";
  contentLength = -1;
  /** The head was parsed. */
  complete = false;
  /** Valid when `complete`. */
  status = 0;
  /** Bytes of it so far. */
  length = 0;
  private readonly fields: Field[] = [];
  private readonly lines: HeaderLines;
  private first = true;

  /**
   * @param limit most bytes of the head
   * @param statusLine whether it may begin with `HTTP/1.1 200 OK`
   */
  constructor(
    limit: number,
    private readonly statusLine: boolean,
    private readonly replies: UpstreamReplies,
  ) {
    this.lines = new HeaderLines(limit, (line) => this.takeLine(line));
  }

  feed(bytes: Buffer, start: number, end: number): number {
    const used = this.lines.feed(bytes, start, end);
    if (used === TOO_LONG) this.refuse("too big header");
    if (used < 0) return -1;
    this.length += used > 0 ? used : end - start;
    return used;
  }

  reply(exchange: Exchange, body: RelayedBody): void {
    const { status, fields, contentLength } = this;
    const hasBody = exchange.method !== "HEAD" && !isBodiless(status) && status !== RESET_CONTENT;
    const length = status === RESET_CONTENT ? 0 : contentLength;
    this.replies.reply(exchange, { status, fields, contentLength: length, hasBody }, body);
  }

  private takeLine(line: string): boolean {
    const { first } = this;
    this.first = false;
    if (first && this.statusLine && line.startsWith("HTTP/")) return this.takeStatusLine(line);
    if (line === "") return this.end();
    const field = fieldOf(line);
    if (typeof field === "string") return this.refuse(`invalid header: ${field}`);
    return this.takeField(field);
  }

  private takeStatusLine(line: string): boolean {
    const status = STATUS_LINE.exec(line)?.[1];
    if (status === undefined) return this.refuse(`invalid status line ${shown(line)}`);
    this.status = Number(status);
    return true;
  }

  private takeField(field: Field): boolean {
    const [name, value] = field;
    switch (name.toLowerCase()) {
      case "status":
        if (!this.takeStatus(value)) return false;
        break;
      case "content-length":
        if (!this.takeLength(value)) return false;
    }
    if (this.fields.length === MOST_FIELDS) return this.refuse("too many headers");
    // As nginx since 1.23: of a field that may come only once, the first one counts.
    if (indexOfSingleton(this.fields, name) < 0) this.fields.push(field);
    return true;
  }

  /** `404 Not Found`; the first one counts. The server has its own reason phrases. */
  private takeStatus(value: string): boolean {
    if (this.status !== 0) return true;
    if (!/^[2-5]\d\d(?:[ \t]|$)/.test(value)) return this.refuse(`invalid status ${shown(value)}`);
    this.status = Number(value.slice(0, 3));
    return true;
  }

  private takeLength(value: string): boolean {
    if (this.contentLength >= 0) return this.refuse(`duplicate header line: "Content-Length: ${value}"`);
    const length = /^\d+$/.test(value) ? Number(value) : -1;
    if (length < 0 || !Number.isSafeInteger(length))
      return this.refuse(`invalid "Content-Length" header: ${shown(value)}`);
    this.contentLength = length;
    return true;
  }

  private end(): boolean {
    const redirects = this.status === 0 && this.fields.some(([name]) => name.toLowerCase() === "location");
    this.status ||= redirects ? 302 : 200;
    this.complete = true;
    return true;
  }

  private refuse(reason: string): false {
    this.reason = reason;
    return false;
  }
}
