/** One HTTP request to a server, and its reply, on one connection. */
import type { Exchange } from "../../exchange/exchange.ts";
import type { Field } from "../../exchange/reply.ts";
import type { Expected } from "../../http/response/reader.ts";
import { ResponseReader } from "../../http/response/reader.ts";
import type { Conversation } from "../gateway/protocol.ts";
import type { UpstreamReplies } from "../relay/reply/upstream-head.ts";
import { HttpReply } from "./reply.ts";

const CRLF = Buffer.from("\r\n");
const LAST_CHUNK = Buffer.from("0\r\n\r\n");

export class HttpConversation implements Conversation {
  readonly largestPiece = Number.MAX_SAFE_INTEGER;
  readonly replyHead: HttpReply;
  private readonly reader: ResponseReader;

  /**
   * @param chunked whether the body is sent in chunks
   * @param keepsAlive whether the request lets the server keep the connection
   */
  constructor(
    readonly head: Buffer,
    private readonly chunked: boolean,
    private readonly keepsAlive: boolean,
    expected: Expected,
    replies: UpstreamReplies,
  ) {
    this.reader = new ResponseReader(expected);
    this.replyHead = new HttpReply(this.reader, replies, expected.headOnly);
  }

  before(length: number): Buffer | null {
    return this.chunked ? Buffer.from(`${length.toString(16)}\r\n`, "latin1") : null;
  }

  after(): Buffer | null {
    return this.chunked ? CRLF : null;
  }

  endOfBody(): Buffer | null {
    return this.chunked ? LAST_CHUNK : null;
  }

  decode(bytes: Buffer, start: number, end: number): number {
    return this.reader.decode(bytes, start, end);
  }

  onEnd(): boolean {
    return this.reader.end();
  }

  get complete(): boolean {
    return this.reader.complete;
  }

  get status(): number {
    return this.reader.head.status;
  }

  upgrade(exchange: Exchange): readonly Field[] | null {
    return this.replyHead.upgrade(exchange);
  }

  get reusable(): boolean {
    return this.keepsAlive && this.reader.persistent;
  }

  get reason(): string {
    return this.reader.reason;
  }
}
