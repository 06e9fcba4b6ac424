/** `gunzip`: what was compressed comes out whole, however it is cut and however little room there is; what is no gzip is an error. */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { ERRNO } from "../../../ffi/errno.ts";
import { Block } from "../../../ffi/memory.ts";
import { GunzippedStream } from "../../../src/handlers/compression/gunzip.ts";
import { BufferPool } from "../../../src/network/buffers.ts";

/** Gives `bytes` in pieces of at most `size`, and nothing every third time. */
function source(bytes: Buffer, size: number) {
  let [at, calls] = [0, 0];
  return {
    read(block: Block, offset: number, length: number): number {
      if (++calls % 3 === 0) return -ERRNO.EAGAIN;
      const n = bytes.copy(block.bytes, offset, at, at + Math.min(size, length));
      at += n;
      return n;
    },
    close() {},
  };
}

/** All that the stream gives with so much room in each call; or -errno. */
function decompressed(bytes: Buffer, size: number, room: number): Buffer | number {
  const stream = new GunzippedStream(source(bytes, size), new BufferPool(), () => {});
  const block = new Block(room);
  const parts: Buffer[] = [];
  for (let n = 1; n !== 0; ) {
    n = stream.read(block, 0, room);
    if (n > 0) parts.push(Buffer.from(block.bytes.subarray(0, n)));
    if (n < 0 && n !== -ERRNO.EAGAIN) return n;
  }
  stream.close();
  return Buffer.concat(parts);
}

test("the pieces do not matter", () => {
  const text = fc.array(fc.constantFrom("some text ", "more", "\0")).map((list) => Buffer.from(list.join("")));
  fc.assert(
    fc.property(text, fc.integer({ min: 1, max: 50 }), fc.integer({ min: 1, max: 50 }), (bytes, size, room) => {
      expect(decompressed(Buffer.from(Bun.gzipSync(bytes)), size, room)).toEqual(bytes);
    }),
    { numRuns: 50 },
  );
});

test("a bomb comes out in pieces", () => {
  const bomb = Buffer.from(Bun.gzipSync(Buffer.alloc(20_000_000)));
  expect((decompressed(bomb, 16_384, 60_000) as Buffer).length).toBe(20_000_000);
});

test("what is cut or no gzip is an error", () => {
  const whole = Buffer.from(Bun.gzipSync(Buffer.from("text")));
  expect(decompressed(whole.subarray(0, -9), 7, 10)).toBe(-ERRNO.EIO);
  expect(decompressed(Buffer.from("this is no gzip at all"), 100, 100)).toBe(-ERRNO.EIO);
});
