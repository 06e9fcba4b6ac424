/** Sends reply bodies: for each kind of ReplyBody a class that moves it piece by piece into the outbox or the transport. */
import { ERRNO } from "../../../ffi/errno.ts";
import type { FilePart, FileRange, PieceBody, ReplyBody, StreamBody } from "../../exchange/reply.ts";
import type { Outbox } from "../outbox.ts";

/** What a body needs from its connection. */
export interface BodyTarget {
  readonly outbox: Outbox;
  /** As Transport.sendFile. */
  sendFile(file: number, position: number, length: number): number;
}

/** The body is complete. */
export const BODY_SENT = 0;

/** A body that is being sent. */
export interface OutgoingBody {
  /** It only appends to the outbox, so its beginning can be sent together with the head. */
  readonly gathers: boolean;
  /**
   * Moves about `limit` bytes at most. The outbox is empty before the call, unless the body gathers, and is sent after it.
   * @returns n > 0: bytes put into the outbox or the socket; BODY_SENT; -EAGAIN: nothing now; another -errno: it can't be completed
   */
  step(target: BodyTarget, limit: number): number;
  /** The transport takes no more now. */
  blocked?(): void;
  /** Gives back what it holds; called once. */
  release(): void;
}

/** The OutgoingBody of a body that is sent as it is; null when there is nothing to send. */
export function outgoing(body: ReplyBody): OutgoingBody | null {
  if (body === null) return null;
  if (Buffer.isBuffer(body)) return body.length === 0 ? null : new BytesOut(body);
  return body.kind === "pieces" ? new PiecesOut(body) : new StreamOut(body);
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

/** Sends a part of a file. -EIO if the file has become shorter than announced: then the connection is closed. */
function sendRange(range: FileRange, position: number, target: BodyTarget, limit: number): number {
  const moved = target.sendFile(range.file.fd, range.position + position, limit);
  return moved === 0 ? -ERRNO.EIO : moved;
}

/** Most bytes asked of a stream in one call. */
export const LARGEST_READ = 0xf000;

class StreamOut implements OutgoingBody {
  readonly gathers = true;
  private left: number;

  constructor(private readonly stream: StreamBody) {
    this.left = stream.length < 0 ? Number.POSITIVE_INFINITY : stream.length;
  }

  /** A stream that ends before its announced length was broken off. Only closing the connection can tell the client: -EIO. */
  step(target: BodyTarget, limit: number): number {
    const part = this.stream.inFile?.() ?? null;
    const most = Math.min(limit, this.left);
    const n = most === 0 ? 0 : part !== null ? sendPart(this.stream, part, target, most) : this.read(target, most);
    if (n === 0) return this.left > 0 && this.left < Number.POSITIVE_INFINITY ? -ERRNO.EIO : BODY_SENT;
    if (n > 0) this.left -= n;
    return n;
  }

  private read({ outbox }: BodyTarget, most: number): number {
    const n = this.stream.read(outbox.block, outbox.end, Math.min(LARGEST_READ, most));
    if (n > 0) outbox.end += n;
    return n;
  }

  blocked(): void {
    this.stream.readAhead?.();
  }

  release(): void {
    this.stream.close();
  }
}

/** Sends a part of a stream that is in a file, once everything before it is sent: -EAGAIN while something is in the outbox. */
export function sendPart(stream: StreamBody, part: FilePart, target: BodyTarget, limit: number): number {
  if (target.outbox.length > 0) return -ERRNO.EAGAIN;
  const n = target.sendFile(part.fd, part.position, Math.min(part.length, limit));
  if (n > 0) stream.sentFromFile!(n);
  return n === 0 ? -ERRNO.EIO : n;
}
