/** What goes into the compressor comes out of the decoder, however it is cut and however little room there is. */
import { describe, expect, test } from "bun:test";
import zlib from "node:zlib";
import fc from "fast-check";
import {
  Compressor,
  compressWhole,
  END,
  FLUSH,
  type Flush,
  MORE,
} from "../../../src/handlers/compression/compressor.ts";
import { CODINGS, type Coding } from "../../../src/http/accept-encoding.ts";

const decoders: Record<Coding, (bytes: Buffer) => Buffer> = {
  gzip: zlib.gunzipSync,
  br: zlib.brotliDecompressSync,
  zstd: zlib.zstdDecompressSync,
};
const LEVEL: Record<Coding, number> = { gzip: 1, br: 4, zstd: 1 };

/** Runs `input` in one call after the other, each with only so much room. */
function run(compressor: Compressor, input: Buffer, flush: Flush, room: number): Buffer {
  const parts: Buffer[] = [];
  let at = 0;
  do {
    const output = Buffer.alloc(room + 2, 0xee);
    const before = compressor.bytesOut;
    at += compressor.run(input, at, input.length, output, 1, room, flush);
    const written = compressor.bytesOut - before;
    expect([output[0], output[room + 1]]).toEqual([0xee, 0xee]);
    parts.push(output.subarray(1, 1 + written));
  } while (compressor.full);
  expect(at).toBe(input.length);
  return Buffer.concat(parts);
}

const piece = fc.oneof(
  fc.uint8Array({ maxLength: 3000 }),
  fc
    .tuple(fc.string({ maxLength: 20 }), fc.integer({ min: 0, max: 500 }))
    .map(([text, n]) => Buffer.from(text.repeat(n))),
);

describe.each([...CODINGS])("%s", (coding) => {
  test("any pieces, flushed or not, through any room that holds a flush marker", () => {
    const steps = fc.array(fc.tuple(piece, fc.boolean()), { maxLength: 12 });
    fc.assert(
      fc.property(steps, fc.integer({ min: 16, max: 5000 }), (pieces, room) => {
        const compressor = new Compressor(coding, LEVEL[coding]);
        const parts = pieces.map(([bytes, flush]) =>
          run(compressor, Buffer.from(bytes), flush && bytes.length > 0 ? FLUSH : MORE, room),
        );
        parts.push(run(compressor, Buffer.alloc(0), END, room));
        compressor.close();
        const input = Buffer.concat(pieces.map(([bytes]) => bytes));
        expect(decoders[coding](Buffer.concat(parts)).equals(input)).toBe(true);
        expect([compressor.bytesIn, compressor.bytesOut]).toEqual([input.length, Buffer.concat(parts).length]);
      }),
      { numRuns: 60 },
    );
  });

  test("after a flush all that went in can be read", () => {
    const compressor = new Compressor(coding, LEVEL[coding]);
    const bytes = run(compressor, Buffer.from("the first words"), FLUSH, 4096);
    const decoder = { gzip: zlib.createGunzip(), br: zlib.createBrotliDecompress(), zstd: zlib.createZstdDecompress() }[
      coding
    ];
    const read = new Promise<Buffer>((resolve) => decoder.once("data", resolve));
    decoder.write(bytes);
    return read.then((text) => {
      expect(text.toString()).toBe("the first words");
      compressor.close();
      decoder.destroy();
    });
  });

  test("at once, the same bytes each time", () => {
    const text = Buffer.from("a text that comes again and again. ".repeat(3000));
    const once = compressWhole(coding, LEVEL[coding], text);
    expect(decoders[coding](once).equals(text)).toBe(true);
    expect(compressWhole(coding, LEVEL[coding], text).equals(once)).toBe(true);
    expect(decoders[coding](compressWhole(coding, LEVEL[coding], Buffer.alloc(0))).length).toBe(0);
  });

  test("what does not become smaller", () => {
    const noise = Buffer.from(
      Uint8Array.from({ length: 40_000 }, (_, i) => Math.imul(i ^ (i << 7), 2654435761) >>> 11),
    );
    expect(decoders[coding](compressWhole(coding, LEVEL[coding], noise)).equals(noise)).toBe(true);
  });
});
