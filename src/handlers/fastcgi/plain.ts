/** A request in uwsgi or SCGI: after its head the body follows as it is; the reply ends at its Content-Length, or with the connection. */
import type { Conversation } from "../gateway/protocol.ts";
import type { ProgramReply } from "./reply.ts";

export class PlainConversation implements Conversation {
  readonly largestPiece = Number.MAX_SAFE_INTEGER;
  readonly reusable = false;
  readonly reason = "";
  private ended = false;
  /** Bytes of the reply so far. */
  private received = 0;

  constructor(
    readonly head: Buffer,
    readonly replyHead: ProgramReply,
  ) {}

  before(): null {
    return null;
  }

  after(): null {
    return null;
  }

  endOfBody(): null {
    return null;
  }

  decode(_bytes: Buffer, start: number, end: number): number {
    const taken = Math.min(end - start, this.missing);
    this.received += end - start;
    return taken;
  }

  onEnd(): boolean {
    this.ended = this.missing === Number.POSITIVE_INFINITY;
    return this.complete;
  }

  get complete(): boolean {
    return this.ended || this.missing === 0;
  }

  get status(): number {
    return this.replyHead.status;
  }

  /** Bytes that the reply still lacks. Infinity: until the connection ends. */
  private get missing(): number {
    const { complete, contentLength, length } = this.replyHead;
    if (!complete || contentLength < 0) return Number.POSITIVE_INFINITY;
    return Math.max(0, length + contentLength - this.received);
  }
}
