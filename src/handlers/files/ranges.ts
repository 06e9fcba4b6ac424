/** Bodies made of files: the whole, one range, or several ranges as multipart/byteranges (RFC 9110 §14.6). */

import type { Exchange } from "../../exchange/exchange.ts";
import type { Field, FileRange, OpenFile, PieceBody, ReplyBody, ReplyOptions } from "../../exchange/reply.ts";
import { type ByteRange, contentRange } from "../../http/reply/range.ts";
import { partType } from "../transform/charset.ts";

/** Bytes in memory or in a file, with the fields that describe them. */
export interface Representation {
  readonly fields: readonly Field[] | null;
  readonly length: number;
  readonly body: Buffer | null;
  /** If there is no `body`. */
  readonly file: OpenFile | null;
  /** Offset in the file; 0 by default. */
  readonly start?: number;
}

/** The whole file as a body. */
export function wholeFile(entry: Representation): ReplyBody {
  return entry.body ?? pieces([piece(entry, 0, entry.length)]);
}

/** Replies with a 206 for `ranges` of the file; `entry.fields` must be set. */
export function replyWithRanges(
  exchange: Exchange,
  entry: Representation,
  ranges: readonly ByteRange[],
  options: ReplyOptions,
): void {
  if (ranges.length > 1) return replyWithParts(exchange, entry, ranges, options);
  const [range] = ranges;
  const fields: Field[] = [...entry.fields!, ["Content-Range", contentRange(range, entry.length)]];
  exchange.reply(206, fields, pieces([rangePiece(entry, range)]), options);
}

function replyWithParts(
  exchange: Exchange,
  entry: Representation,
  ranges: readonly ByteRange[],
  options: ReplyOptions,
): void {
  // 128 random bits, so no file can contain the boundary.
  const boundary = exchange.requestId;
  const isType = ([name]: Field) => name === "Content-Type";
  const type = entry.fields!.find(isType)?.[1];
  const typeLine = type === undefined ? "" : `Content-Type: ${partType(exchange, type)}\r\n`;
  const parts = ranges.flatMap((range) => [
    Buffer.from(
      `\r\n--${boundary}\r\n${typeLine}Content-Range: ${contentRange(range, entry.length)}\r\n\r\n`,
      "latin1",
    ),
    rangePiece(entry, range),
  ]);
  const body = pieces([...parts, Buffer.from(`\r\n--${boundary}--\r\n`, "latin1")]);
  const others = entry.fields!.filter((field) => !isType(field));
  exchange.reply(206, [["Content-Type", `multipart/byteranges; boundary=${boundary}`], ...others], body, options);
}

const rangePiece = (entry: Representation, { start, end }: ByteRange) => piece(entry, start, end - start + 1);

/** A piece of the file. A descriptor is retained until the piece has been sent. */
function piece(entry: Representation, position: number, length: number): Buffer | FileRange {
  if (entry.body !== null) return entry.body.subarray(position, position + length);
  const file = entry.file!;
  file.retain();
  return { file, position: (entry.start ?? 0) + position, length };
}

function pieces(list: readonly (Buffer | FileRange)[]): PieceBody {
  return { kind: "pieces", pieces: list, length: list.reduce((sum, { length }) => sum + length, 0) };
}
