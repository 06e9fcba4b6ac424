/** Bodies in pieces, for what changes them. */
import type { Transform } from "../../../../src/handlers/transform/transform.ts";

/** What a transform makes of a body (octets) that comes in these pieces. */
export function throughPieces(transform: Transform, pieces: Iterable<string>): string {
  const out: Buffer[] = [];
  for (const piece of pieces) transform.feed(Buffer.from(piece, "latin1"), out);
  transform.end(out);
  return Buffer.concat(out).toString("latin1");
}

/** Cuts a text; each size is one less than the length of a piece. */
export function* pieces(text: string, sizes: Iterator<number>): Generator<string> {
  for (let at = 0; at < text.length; ) {
    const end = at + 1 + sizes.next().value!;
    yield text.slice(at, end);
    at = end;
  }
}
