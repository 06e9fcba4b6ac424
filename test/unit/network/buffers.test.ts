/** The pool of Blocks: big enough, never lent twice, bounded in what it keeps. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { Block } from "../../../ffi/memory.ts";
import { BufferPool } from "../../../src/network/buffers.ts";

const MEGABYTE = 2 ** 20;

describe("take", () => {
  test.each([
    [0, 1024],
    [1, 1024],
    [1024, 1024],
    [1025, 2048],
    [8192, 8192],
    [8193, 16_384],
    [MEGABYTE + 1, 2 * MEGABYTE],
  ])("%d bytes give a Block of %d", (size, expected) => {
    expect(new BufferPool().take(size).bytes.length).toBe(expected);
  });

  test("gives what came back before it makes another", () => {
    const pool = new BufferPool();
    const first = pool.take(5000);
    pool.release(first);
    expect(pool.take(4097)).toBe(first);
    expect(pool.take(4097)).not.toBe(first);
  });

  test("gives no Block of another size, even where it would fit", () => {
    const pool = new BufferPool();
    pool.release(pool.take(64_000));
    expect(pool.take(100).bytes.length).toBe(1024);
  });
});

describe("what it keeps", () => {
  /** How many bytes of `blocks`, all given back, come out of the pool again. */
  function kept(pool: BufferPool, blocks: readonly Block[]): number {
    const given = new Set(blocks);
    for (const block of blocks) pool.release(block);
    return blocks
      .map((block) => pool.take(block.bytes.length))
      .reduce((sum, block) => sum + (given.has(block) ? block.bytes.length : 0), 0);
  }

  test.each([[1024], [65_536], [MEGABYTE], [4 * MEGABYTE]])("is at most 4 MB, of Blocks of %d bytes", (size) => {
    const pool = new BufferPool();
    const blocks = Array.from({ length: (8 * MEGABYTE) / size }, () => pool.take(size));
    expect(kept(pool, blocks)).toBe(4 * MEGABYTE);
  });

  test("is no Block larger than all it may keep", () => {
    const pool = new BufferPool();
    expect(kept(pool, [pool.take(8 * MEGABYTE)])).toBe(0);
  });

  test("has room again for what was taken out", () => {
    const pool = new BufferPool();
    const blocks = Array.from({ length: 4 }, () => pool.take(MEGABYTE));
    for (let round = 0; round < 10; round++) expect(kept(pool, blocks)).toBe(4 * MEGABYTE);
  });
});

test("no Block is lent to two at once, and none is smaller than asked", () => {
  const size = fc.integer({ min: 1, max: 20_000 });
  const step = fc.oneof(fc.record({ take: size }), fc.record({ give: fc.nat() }));
  const property = fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
    const pool = new BufferPool();
    const lent: Block[] = [];
    for (const action of steps) {
      if ("take" in action) {
        const block = pool.take(action.take);
        expect(block.bytes.length).toBeGreaterThanOrEqual(action.take);
        expect(lent).not.toContain(block);
        lent.push(block);
      } else if (lent.length > 0) pool.release(lent.splice(action.give % lent.length, 1)[0]!);
    }
  });
  fc.assert(property, { numRuns: 200 });
});
