/**
 * Replies as HTTP/1.1 on the wire (RFC 9112): the framing of the body, the fields for framing and connection, and the count of bytes
 * sent. No other file knows these (chunked-body.ts has the chunks).
 */
import { Block } from "../../ffi/memory.ts";
import type { ReplyDraft } from "../exchange/filter.ts";
import { discard, type Field, type ReplyBody, type StreamBody, type WholeReply } from "../exchange/reply.ts";
import { responseHead } from "../http/reply/response.ts";
import { isBodiless } from "../http/reply/status.ts";
import { ChunkedBody } from "./bodies/chunked-body.ts";
import { type OutgoingBody, outgoing } from "./bodies/outgoing-body.ts";
import type { PacedBody } from "./bodies/paced-body.ts";
import type { Output } from "./output.ts";

/** What the framing of a reply depends on: parts of the request. */
interface Asked {
  readonly method: string;
  /** `minor`: of the request's version. */
  readonly request: { readonly minor: number };
  /** `keepaliveHeader`: seconds that the client is told a connection stays open, or null. */
  readonly settings: { readonly keepaliveHeader: number | null; readonly chunkedTransferEncoding: boolean };
}

/** Limits the speed of a body. */
export type Pace = (body: OutgoingBody) => PacedBody;

/** The interim reply that asks for the body. */
const CONTINUE = "HTTP/1.1 100 Continue\r\n\r\n";
/** The empty line that ends a head. */
const CRLF = 2;

/** Writes the replies of one connection, one after the other. */
export class Http1 {
  /** The reply in progress: the connection's byte count at its start, the length of its head and its whole length (-1: unknown). */
  private start = 0;
  private headLength = 0;
  private length = 0;
  private begun = false;
  private isCut = false;

  constructor(private readonly output: Output) {}

  /** A request begins: it has no reply yet. */
  begin(): void {
    this.begun = this.isCut = false;
    this.headLength = this.length = 0;
  }

  /** 100 (Continue). */
  continue(): void {
    this.output.writeText(CONTINUE);
  }

  /**
   * A reply to `asked`.
   * @param fields the fields of the framing are appended to them
   * @param announced Content-Length where the body does not say it; -1: none
   * @param persists whether the connection could go on after it
   * @param pace null: the body is sent as fast as the client takes it
   * @returns whether it does: a body without length and chunks (for HTTP/1.0) ends with the connection
   */
  reply(
    asked: Asked,
    status: number,
    fields: Field[],
    body: ReplyBody,
    announced: number | undefined,
    persists: boolean,
    pace: Pace | null = null,
  ): boolean {
    const bodiless = isWithoutBody(asked, status);
    const length = announced ?? (body === null ? 0 : body.length);
    const isUnknown = length < 0 && announced === undefined && !isBodiless(status);
    const chunked = isUnknown && asked.request.minor === 1 && asked.settings.chunkedTransferEncoding;
    const goesOn = persists && (chunked || bodiless || !isUnknown);
    addLength(fields, status, length);
    if (chunked) fields.push(["Transfer-Encoding", "chunked"]);
    addConnection(fields, asked, goesOn);
    const head = responseHead(status, fields);
    this.started(head.length, bodiless ? head.length : length < 0 ? -1 : head.length + length);
    this.output.writeText(head);
    if (bodiless) discard(body);
    else if (pace !== null) this.sendPaced(chunked ? new ChunkedBody(body as StreamBody) : outgoing(body), pace);
    else if (chunked) this.output.send(new ChunkedBody(body as StreamBody));
    else this.output.writeBody(body);
    return goesOn;
  }

  /** Sends a body behind its head, which the limit counts too. */
  private sendPaced(body: OutgoingBody | null, pace: Pace): void {
    if (body !== null) this.output.send(pace(body).passes(this.headLength));
  }

  /** Writes a kept reply with the fields of this connection added, then `rest`. */
  replyWhole(asked: Asked, reply: WholeReply, rest: ReplyBody, persists: boolean): void {
    const headOnly = isWithoutBody(asked, reply.status);
    const length = headOnly ? reply.headLength : reply.length;
    const lines = connectionLines(asked, persists);
    const following = headOnly || rest === null ? 0 : rest.length;
    this.started(reply.headLength + lines.length, length + lines.length + following);
    if (lines === "") this.output.writeKept(reply, length);
    else this.writeWithLines(reply, length, lines);
    if (headOnly) discard(rest);
    else if (rest !== null) this.output.writeBody(rest);
  }

  /** Writes a kept reply with more lines at the end of its head. */
  private writeWithLines({ block, headLength }: WholeReply, length: number, lines: string): void {
    this.output.write(block.bytes, 0, headLength - CRLF);
    this.output.writeText(`${lines}\r\n`);
    this.output.write(block.bytes, headLength, length);
  }

  /** Writes the head of 101 (Switching Protocols). Bytes of another protocol follow until the connection ends. */
  switchProtocols(fields: Field[]): void {
    fields.push(["Connection", "upgrade"]);
    const head = responseHead(101, fields);
    this.started(head.length, -1);
    this.output.writeText(head);
  }

  /** Writes a reply that contains its own head. The connection ends after it. */
  replyRaw(body: StreamBody, pace: Pace | null = null): void {
    this.started(0, -1);
    if (pace !== null) this.sendPaced(outgoing(body), pace);
    else this.output.writeBody(body);
  }

  private started(headLength: number, length: number): void {
    this.begun = true;
    this.start = this.output.bytesWritten;
    this.headLength = headLength;
    this.length = length;
  }

  /** The connection broke during the reply: only the bytes that the kernel took count as sent. */
  cutShort(): void {
    this.isCut = this.begun;
  }

  /** Bytes of the reply, head included; if its length is unknown, those written so far. If it was cut short: those the kernel has taken. */
  get bytesSent(): number {
    if (this.isCut) return Math.max(0, this.output.bytesTaken - this.start);
    return this.length >= 0 ? this.length : this.output.bytesWritten - this.start;
  }

  get bodyBytesSent(): number {
    return Math.max(0, this.bytesSent - this.headLength);
  }
}

/** Whether only the head is sent (RFC 9110 §6.4.1). */
const isWithoutBody = ({ method }: Asked, status: number): boolean => method === "HEAD" || isBodiless(status);

/** Adds Content-Length, unless `length` is -1 or the status allows none. */
function addLength(fields: Field[], status: number, length: number): void {
  if (length >= 0 && !isBodiless(status)) fields.push(["Content-Length", String(length)]);
}

/** Adds Connection where the default of the version does not apply (RFC 9112 §9.3), and Keep-Alive if `keepalive_timeout` has a second value. */
function addConnection(fields: Field[], asked: Asked, persists: boolean): void {
  const option = connectionOption(asked, persists);
  if (option === "") return;
  fields.push(["Connection", option]);
  if (option !== "close" && asked.settings.keepaliveHeader !== null) {
    fields.push(["Keep-Alive", keepAliveValue(asked.settings.keepaliveHeader)]);
  }
}

/** The value of Connection, "" for none. Keep-Alive may be sent only if Connection names it (RFC 9110 §7.6.1). */
function connectionOption({ request, settings }: Asked, persists: boolean): string {
  if (!persists) return "close";
  return request.minor === 1 && settings.keepaliveHeader === null ? "" : "keep-alive";
}

/** The fields of `addConnection` as lines of a head. */
function connectionLines(asked: Asked, persists: boolean): string {
  const option = connectionOption(asked, persists);
  if (option === "") return "";
  const { keepaliveHeader } = asked.settings;
  const isTold = option !== "close" && keepaliveHeader !== null;
  return `Connection: ${option}\r\n${isTold ? `Keep-Alive: ${keepAliveValue(keepaliveHeader)}\r\n` : ""}`;
}

const keepAliveValue = (seconds: number): string => `timeout=${seconds}`;

/**
 * Makes a WholeReply of a draft whose body is bytes or null: a head without what depends on the request and its connection, and
 * a copy of the body. Content-Length is appended to the fields, unless the draft's length is -1; they contain Date.
 * @param dateSecond the second that the Date shows
 */
export function makeWholeReply({ status, fields, body, length, encoded }: ReplyDraft, dateSecond: number): WholeReply {
  const bytes = body as Buffer | null;
  const bodyLength = bytes?.length ?? 0;
  addLength(fields, status, length ?? bodyLength);
  const head = responseHead(status, fields);
  const block = new Block(head.length + bodyLength);
  block.bytes.latin1Write(head, 0);
  bytes?.copy(block.bytes, head.length);
  return {
    status,
    block,
    headLength: head.length,
    length: head.length + bodyLength,
    dateOffset: head.indexOf("\r\nDate: ") + "\r\nDate: ".length,
    dateSecond,
    holders: 0,
    fields,
    encoded,
  };
}
