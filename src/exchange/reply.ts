/** What a reply is made of: fields, and the kinds of bodies. */
import type { Block } from "../../ffi/memory.ts";

/** A field of a reply: name in its usual spelling, value without line ends. */
export type Field = readonly [name: string, value: string];

/** What follows a reply's head. */
export type ReplyBody = Buffer | PieceBody | StreamBody | null;

/** Bytes and ranges of files, one after the other. */
export interface PieceBody {
  readonly kind: "pieces";
  readonly pieces: readonly (Buffer | FileRange)[];
  /** The sum of the pieces, in bytes. */
  readonly length: number;
}

/** `length` bytes of an open file from `position`. The server calls `file.release()` when it is done with the piece. */
export interface FileRange {
  readonly file: OpenFile;
  readonly position: number;
  readonly length: number;
}

/** A descriptor with several users: closed when the last one releases it. `retain` before sharing it. */
export interface OpenFile {
  readonly fd: number;
  retain(): void;
  release(): void;
}

/** A body that comes into being while it is sent. */
export interface StreamBody {
  readonly kind: "stream";
  /** Bytes to come, or -1 when unknown: then chunked (1.1) or until close (1.0). */
  readonly length: number;
  /** Fills `block` at `offset`, at most `length` bytes. 0: the end. -EAGAIN: nothing yet, `exchange.resume()` follows. Other -errno: broken off. */
  read(block: Block, offset: number, length: number): number;
  /** Called once, however the sending ended. */
  close(): void;
}

/**
 * A complete reply in one Block, as its connection has made it, to be sent many times; what depends on the request and its
 * connection is added when it is sent. Its Date is patched in place, but never while a client still has to be sent a part of it (`holders` > 0): then the owner makes a new one.
 */
export interface WholeReply {
  readonly status: number;
  readonly block: Block;
  readonly headLength: number;
  /** Head and body, in bytes. */
  readonly length: number;
  /** Where the Date's value starts in the block. */
  readonly dateOffset: number;
  /** The second (since 1970) that the Date shows. */
  dateSecond: number;
  /** Clients whose queue still points into the block. The server counts it. */
  holders: number;
  /** The fields in the head, for $sent_http_NAME in logs. */
  readonly fields: readonly Field[];
  /** What compression made of the body; null: nothing. */
  readonly encoded: Encoded | null;
}

/** A body that went, or did not go, through a content coding. */
export interface Encoded {
  /** null: it is as it was. */
  readonly coding: "zstd" | "br" | "gzip" | null;
  /** Bytes before and behind the coding, so far. */
  readonly bytesIn: number;
  readonly bytesOut: number;
}

export interface ReplyOptions {
  /** Content-Length for HEAD or 304 when the body is not at hand; -1 leaves Content-Length out. */
  readonly length?: number;
  /** Seconds since 1970 of the file, for `expires modified`. */
  readonly modified?: number;
  /** The body is in its final coding: compression only says so in the fields. */
  readonly encoded?: Encoded;
}

/** Gives back what a body holds that will not be sent. */
export function discard(body: ReplyBody): void {
  if (body === null || Buffer.isBuffer(body)) return;
  if (body.kind === "stream") return body.close();
  for (const piece of body.pieces) if (!Buffer.isBuffer(piece)) piece.file.release();
}
