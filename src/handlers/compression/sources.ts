/** Reply bodies in the form that compression reads: bytes, pieces of files, or a stream. */
import { ERRNO } from "../../../ffi/errno.ts";
import type { Kernel } from "../../../ffi/kernel.ts";
import type { Block } from "../../../ffi/memory.ts";
import { discard, type FileRange, type PieceBody, type ReplyBody, type StreamBody } from "../../exchange/reply.ts";

/** Gives bytes as a StreamBody does. */
export interface Source {
  /** As StreamBody.read. */
  read(block: Block, offset: number, length: number): number;
  readAhead?(): void;
  close(): void;
}

export function sourceOf(body: Exclude<ReplyBody, null>, kernel: Kernel): Source {
  if (Buffer.isBuffer(body)) return new PieceSource({ kind: "pieces", pieces: [body], length: body.length }, kernel);
  if (body.kind === "pieces") return new PieceSource(body, kernel);
  return body.length < 0 ? body : new MeasuredSource(body);
}

/**
 * A stream whose length was announced, by a script's Content-Length say. Compressed it is sent in chunks, so what comes behind its
 * length is cut off here, and one that ends short of it is broken off: -EIO. Else the client would take it for complete.
 */
class MeasuredSource implements Source {
  private left: number;

  constructor(private readonly stream: StreamBody) {
    this.left = stream.length;
  }

  read(block: Block, offset: number, length: number): number {
    if (this.left === 0) return 0;
    const n = this.stream.read(block, offset, Math.min(length, this.left));
    if (n > 0) this.left -= n;
    return n === 0 ? -ERRNO.EIO : n;
  }

  readAhead(): void {
    this.stream.readAhead?.();
  }

  close(): void {
    this.stream.close();
  }
}

class PieceSource implements Source {
  private index = 0;
  private position = 0;

  constructor(
    private readonly body: PieceBody,
    private readonly kernel: Kernel,
  ) {}

  read(block: Block, offset: number, length: number): number {
    for (;;) {
      const piece = this.body.pieces[this.index];
      if (piece === undefined) return 0;
      const most = Math.min(length, piece.length - this.position);
      if (most === 0) {
        this.index++;
        this.position = 0;
        continue;
      }
      const n = Buffer.isBuffer(piece)
        ? piece.copy(block.bytes, offset, this.position, this.position + most)
        : this.readFile(piece, block, offset, most);
      if (n > 0) this.position += n;
      return n;
    }
  }

  /** Reads a part of a file. -EIO if the file has become shorter than announced. */
  private readFile({ file, position }: FileRange, block: Block, offset: number, length: number): number {
    const n = this.kernel.read(file.fd, block, offset, length, position + this.position);
    return n === 0 ? -ERRNO.EIO : n;
  }

  close(): void {
    discard(this.body);
  }
}
