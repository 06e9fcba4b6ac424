/** Sends a stream of unknown length in chunks (RFC 9112 §7.1). */
import { ERRNO } from "../../../ffi/errno.ts";
import type { StreamBody } from "../../exchange/reply.ts";
import { fieldLines } from "../../http/reply/response.ts";
import type { Outbox } from "../outbox.ts";
import { BODY_SENT, type BodyTarget, LARGEST_READ, type OutgoingBody, sendPart } from "./outgoing-body.ts";

/** Room before a chunk for its size, of at most four hexadecimal digits, and CRLF. */
const CHUNK_HEAD = 6;
const CRLF = 2;

export class ChunkedBody implements OutgoingBody {
  readonly gathers = true;
  private finished = false;
  /** Bytes that are still to come of a chunk that is sent from a file. */
  private left = 0;

  constructor(private readonly stream: StreamBody) {}

  step(target: BodyTarget, limit: number): number {
    if (this.finished) return BODY_SENT;
    if (this.left > 0) return this.sendFromFile(target, limit);
    const part = this.stream.inFile?.() ?? null;
    if (part === null) return this.readChunk(target, limit);
    this.left = part.length;
    return appended(target.outbox, `${part.length.toString(16)}\r\n`);
  }

  private readChunk({ outbox }: BodyTarget, limit: number): number {
    const before = outbox.length;
    const n = this.stream.read(outbox.block, outbox.end + CHUNK_HEAD, Math.min(LARGEST_READ, limit));
    if (n < 0) return n;
    if (n > 0) frame(outbox, n);
    else {
      this.finished = true;
      outbox.appendText(`0\r\n${fieldLines(this.stream.trailers?.() ?? [])}\r\n`);
    }
    return outbox.length - before;
  }

  private sendFromFile(target: BodyTarget, limit: number): number {
    const part = this.stream.inFile!();
    const n = part === null ? -ERRNO.EAGAIN : sendPart(this.stream, part, target, Math.min(limit, this.left));
    if (n <= 0) return n;
    this.left -= n;
    return this.left > 0 ? n : n + appended(target.outbox, "\r\n");
  }

  blocked(): void {
    this.stream.readAhead?.();
  }

  release(): void {
    this.stream.close();
  }
}

/** Bytes appended. */
function appended(outbox: Outbox, text: string): number {
  outbox.appendText(text);
  return text.length;
}

/** Makes a chunk of the `length` bytes that lie CHUNK_HEAD behind the outbox's end: writes the size before them and CRLF behind them. */
function frame(outbox: Outbox, length: number): void {
  const { bytes } = outbox.block;
  const size = `${length.toString(16)}\r\n`;
  const start = outbox.end;
  const data = start + CHUNK_HEAD;
  // The size has fewer digits than there is room for only if the chunk is small, so there is little to move.
  if (size.length < CHUNK_HEAD) bytes.copyWithin(start + size.length, data, data + length);
  bytes.latin1Write(size, start);
  bytes.latin1Write("\r\n", start + size.length + length);
  outbox.end = start + size.length + length + CRLF;
}
