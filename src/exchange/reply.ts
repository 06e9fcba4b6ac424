/** The parts of a reply: fields, and the kinds of bodies. */
import type { Block } from "../../ffi/memory.ts";

/** A field of a reply: name in its usual spelling, value without line ends. */
export type Field = readonly [name: string, value: string];

/** The body of a reply. */
export type ReplyBody = Buffer | PieceBody | StreamBody | null;

/** Bytes and ranges of files in sequence. */
export interface PieceBody {
  readonly kind: "pieces";
  readonly pieces: readonly (Buffer | FileRange)[];
  /** Sum of the pieces in bytes. */
  readonly length: number;
}

/** `length` bytes of an open file from `position`. The server calls `file.release()` when it has sent the piece. */
export interface FileRange {
  readonly file: OpenFile;
  readonly position: number;
  readonly length: number;
}

/** A descriptor with several users, closed when the last one releases it. Call `retain` before sharing it. */
export interface OpenFile {
  readonly fd: number;
  retain(): void;
  release(): void;
}

/** A body that is produced while it is sent. */
export interface StreamBody {
  readonly kind: "stream";
  /** Its length in bytes, or -1 when unknown: then it is sent chunked (HTTP/1.1) or until close (1.0). */
  readonly length: number;
  /** Fills `block` at `offset` with at most `length` bytes. 0: the end. -EAGAIN: nothing yet, `exchange.resume()` will follow. Other -errno: the body is cut off. */
  read(block: Block, offset: number, length: number): number;
  /** The next bytes, if they are in a file, so that sendfile(2) can send them; then `sentFromFile` is called. null: `read` gives the next bytes. */
  inFile?(): FilePart | null;
  /** So many bytes of what `inFile` gave were sent. */
  sentFromFile?(bytes: number): void;
  /** The client takes nothing now. A stream that buffers reads ahead, until `read` or `inFile` is called again. */
  readAhead?(): void;
  /** The fields behind the body, asked for when it has ended: where it is sent chunked they follow. */
  trailers?(): readonly Field[];
  /** Called once, however sending ended. */
  close(): void;
}

/** `length` bytes of an open file from `position`. */
export interface FilePart {
  readonly fd: number;
  readonly position: number;
  readonly length: number;
}

/**
 * A complete reply in one Block, made once and sent many times. The parts that depend on the request and its connection are
 * added when it is sent. Its Date is changed in place, but not while a connection still has to send a part of it (`holders` > 0);
 * then the owner makes a new one.
 */
export interface WholeReply {
  readonly status: number;
  readonly block: Block;
  readonly headLength: number;
  /** Head and body, in bytes. */
  readonly length: number;
  /** Offset of the Date's value in the block. */
  readonly dateOffset: number;
  /** The second (since 1970) that the Date shows. */
  dateSecond: number;
  /** Number of connections that still send from the block. The server counts it. */
  holders: number;
  /** The fields in the head, for $sent_http_NAME in logs. */
  readonly fields: readonly Field[];
  /** The coding of the body and its sizes; null: no compression was involved. */
  readonly encoded: Encoded | null;
}

/** The result of compression for a body. */
export interface Encoded {
  /** null: the body was not compressed. */
  readonly coding: "zstd" | "br" | "gzip" | null;
  /** Bytes before and after compression, so far. */
  readonly bytesIn: number;
  readonly bytesOut: number;
}

export interface ReplyOptions {
  /** Content-Length for HEAD or 304 without a body; -1 leaves it out. */
  readonly length?: number;
  /** The file's modification time (seconds since 1970), for `expires modified`. */
  readonly modified?: number;
  /** The body is already in its final coding, so compression only sets the fields. */
  readonly encoded?: Encoded;
  /** It is another server's reply: `expires` replaces its Cache-Control, as in nginx. */
  readonly fromUpstream?: boolean;
  /** The server that made it has said which charset it has, or none (X-Accel-Charset). */
  readonly charsetChosen?: boolean;
}

/** How fast a reply is sent. */
export interface Pacing {
  /** Per second. */
  readonly bytes: number;
  /** Bytes at its beginning that are not limited. */
  readonly after: number;
  /** Monotonic ms from which it counts. */
  readonly since: number;
}

/** Releases the files and streams of a body that will not be sent. */
export function discard(body: ReplyBody): void {
  if (body === null || Buffer.isBuffer(body)) return;
  if (body.kind === "stream") return body.close();
  for (const piece of body.pieces) if (!Buffer.isBuffer(piece)) piece.file.release();
}
