/** Reply bodies on their way: each kind of ReplyBody moves itself piece by piece into the outbox or the socket. */
import { ERRNO } from "../../ffi/errno.ts";
import type { FileRange, PieceBody, ReplyBody, StreamBody } from "../exchange/reply.ts";
import type { Outbox } from "./outbox.ts";

/** What a body needs of the client it goes to. */
export interface BodyTarget {
  readonly outbox: Outbox;
  /** As Stream.transmitFile. */
  transmitFile(file: number, position: number, length: number): number;
}

/** The body is complete. */
export const BODY_SENT = 0;

/** A body on its way. `length` is what is left, -1 if unknown. */
export interface OutgoingBody {
  /** It only fills the outbox, behind what is there: its beginning can leave with the head. */
  readonly gathers: boolean;
  /**
   * Moves at most about `limit` bytes; the outbox is empty when it is called, unless it gathers, and sent afterwards. n > 0: bytes
   * put into the outbox or the socket; BODY_SENT; -EAGAIN: nothing now; other -errno: it can't be completed.
   */
  step(target: BodyTarget, limit: number): number;
  /** Gives back what it holds; called once. */
  release(): void;
}

/** The OutgoingBody of a body, null when there is nothing to send. `chunked`: how a stream is framed. */
export function outgoing(body: ReplyBody, chunked: boolean): OutgoingBody | null {
  if (body === null) return null;
  if (Buffer.isBuffer(body)) return body.length === 0 ? null : new BytesOut(body);
  return body.kind === "pieces" ? new PiecesOut(body) : new StreamOut(body, chunked);
}

class BytesOut implements OutgoingBody {
  readonly gathers = false;
  private position = 0;

  constructor(private readonly bytes: Buffer) {}

  step({ outbox }: BodyTarget, limit: number): number {
    const end = Math.min(this.bytes.length, this.position + Math.min(outbox.room, limit));
    const moved = end - this.position;
    outbox.append(this.bytes, this.position, end);
    this.position = end;
    return moved;
  }

  release(): void {}
}

class PiecesOut implements OutgoingBody {
  readonly gathers = false;
  private index = 0;
  private position = 0;

  constructor(private readonly body: PieceBody) {}

  step(target: BodyTarget, limit: number): number {
    const piece = this.body.pieces[this.index];
    if (piece === undefined) return BODY_SENT;
    const left = piece.length - this.position;
    if (left === 0) return this.next(target, limit);
    const moved = Buffer.isBuffer(piece)
      ? copyPiece(piece, this.position, target.outbox, Math.min(left, limit))
      : sendRange(piece, this.position, target, Math.min(left, limit));
    if (moved > 0) this.position += moved;
    return moved;
  }

  private next(target: BodyTarget, limit: number): number {
    this.index++;
    this.position = 0;
    return this.step(target, limit);
  }

  release(): void {
    for (const piece of this.body.pieces) if (!Buffer.isBuffer(piece)) piece.file.release();
  }
}

function copyPiece(bytes: Buffer, position: number, outbox: Outbox, limit: number): number {
  const moved = Math.min(outbox.room, limit);
  outbox.append(bytes, position, position + moved);
  return moved;
}

/** A file that has become shorter than its announced length can't be sent as promised: -EIO, and the connection is closed. */
function sendRange(range: FileRange, position: number, target: BodyTarget, limit: number): number {
  const moved = target.transmitFile(range.file.fd, range.position + position, limit);
  return moved === 0 ? -ERRNO.EIO : moved;
}

/** Room before a chunk for its size in hexadecimal and CRLF, and behind it for CRLF. */
const CHUNK_HEAD = 6;
const CRLF = 2;
/** Four hexadecimal digits of size. */
const LARGEST_CHUNK = 0xf000;
/** The chunk that ends a body, without trailer fields. */
const LAST_CHUNK = "0\r\n\r\n";

class StreamOut implements OutgoingBody {
  readonly gathers = true;
  private left: number;
  private finished = false;

  constructor(
    private readonly stream: StreamBody,
    private readonly chunked: boolean,
  ) {
    this.left = stream.length;
  }

  step({ outbox }: BodyTarget, limit: number): number {
    if (this.finished) return BODY_SENT;
    const before = outbox.length;
    const offset = outbox.end + (this.chunked ? CHUNK_HEAD : 0);
    const most = Math.min(LARGEST_CHUNK, limit, this.left < 0 ? limit : this.left);
    const n = most > 0 ? this.stream.read(outbox.block, offset, most) : 0;
    if (n < 0) return n;
    if (n === 0) return this.finish(outbox);
    if (this.left > 0) this.left -= n;
    if (this.chunked) frame(outbox, n);
    else outbox.end += n;
    return outbox.length - before;
  }

  /** The stream has ended: short of its length it was broken off, which only a closed connection can tell the client. */
  private finish(outbox: Outbox): number {
    if (this.left > 0) return -ERRNO.EIO;
    this.finished = true;
    if (!this.chunked) return BODY_SENT;
    outbox.appendText(LAST_CHUNK);
    return LAST_CHUNK.length;
  }

  release(): void {
    this.stream.close();
  }
}

/** Makes a chunk of the `length` bytes that lie CHUNK_HEAD behind the outbox's end: its size goes before them, CRLF behind (RFC 9112 §7.1). */
function frame(outbox: Outbox, length: number): void {
  const { bytes } = outbox.block;
  const size = `${length.toString(16)}\r\n`;
  const start = outbox.end;
  const data = start + CHUNK_HEAD;
  // Fewer digits than there is room for: then there is little to move.
  if (size.length < CHUNK_HEAD) bytes.copyWithin(start + size.length, data, data + length);
  bytes.latin1Write(size, start);
  bytes.latin1Write("\r\n", start + size.length + length);
  outbox.end = start + size.length + length + CRLF;
}
