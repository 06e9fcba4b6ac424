/** What libc sees stays where it is: through optimisation and garbage collection (docs/design.md, Facts about bun:ffi), and C strings end where they should. */

import { type Pointer, ptr, toArrayBuffer } from "bun:ffi";
import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PATH_MAX } from "../../../ffi/abi.ts";
import { linux } from "../../../ffi/linux.ts";
import { Block, CString } from "../../../ffi/memory.ts";
import { openFirst } from "../../../ffi/platform.ts";

/** Functions of libc that the server has no use for. */
function openForTest() {
  const opened = openFirst(["libc.so.6", "libc.musl-x86_64.so.1", "libc.musl-aarch64.so.1"], {
    memcpy: { args: ["ptr", "ptr", "i32"], returns: "ptr" },
    strlen: { args: ["ptr"], returns: "i32" },
  } as const);
  if (typeof opened === "string") throw new Error(opened);
  return opened;
}
const libc = openForTest();

const folder = mkdtempSync(join(tmpdir(), "webserv-memory-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** Something for the collector to do, of the kinds a server makes. */
function litter(i: number): unknown[] {
  return [new Uint8Array(100), Buffer.alloc(50), { i }, `text ${i}`, [i, i]];
}

describe("a Block", () => {
  test("is its size, zeroed, and starts at its address", () => {
    for (const size of [1, 8, 1000, 1001, 65_536]) {
      const block = new Block(size);
      expect(block.bytes.length).toBe(size);
      expect(block.bytes.byteOffset).toBe(0);
      expect(block.bytes.every((byte) => byte === 0)).toBe(true);
      expect(ptr(new Uint8Array(block.bytes.buffer))).toBe(block.address as Pointer);
    }
  });

  test("gets what libc writes into it, in a loop that is optimised and collected under", () => {
    const content = Buffer.from(Int32Array.from({ length: 4096 }, (_, i) => i * 2_654_435_761).buffer);
    writeFileSync(join(folder, "content"), content);
    const fd = linux.open(join(folder, "content"), 0, 0);
    const blocks = [1, 3, 16, 250, 1000].map((words) => new Block(4 * words));
    let wrong = 0;
    for (let i = 0; i < 200_000; i++) {
      const block = blocks[i % blocks.length]!;
      const offset = 4 * (i % (block.bytes.length / 4));
      const word = i & 4095;
      if (linux.read(fd, block, offset, 4, 4 * word) !== 4) wrong++;
      if (block.bytes.readInt32LE(offset) !== content.readInt32LE(4 * word)) wrong++;
      if ((i & 63) === 0 && litter(i).length !== 5) wrong++;
      if (i % 20_000 === 0) Bun.gc(true);
    }
    linux.close(fd);
    expect(wrong).toBe(0);
  }, 60_000);

  test("stays put while its bytes are used in every way there is", () => {
    const source = new Block(64);
    source.bytes.fill(0xa5);
    const blocks = Array.from({ length: 2000 }, (_, i) => new Block(1 + (i % 64)));
    for (const [i, block] of blocks.entries()) {
      const { buffer } = block.bytes;
      new DataView(buffer).setUint8(0, 1);
      block.bytes.subarray(0, 1).fill(2);
      litter(i);
    }
    Bun.gc(true);
    for (const block of blocks) libc.memcpy(block.address as Pointer, source.address as Pointer, block.bytes.length);
    expect(blocks.every((block) => block.bytes.every((byte) => byte === 0xa5))).toBe(true);
  });
});

describe("why there are Blocks", () => {
  /** How many of 100 arrays are elsewhere after their `buffer` was looked at. */
  function moved(make: () => Uint8Array): number {
    let count = 0;
    for (let i = 0; i < 100; i++) {
      const array = make();
      const before = ptr(array);
      if (array.buffer.byteLength > 0 && ptr(array) !== before) count++;
    }
    return count;
  }

  // When this fails, a new version of the runtime pins small arrays: good news, and docs/design.md and ffi/memory.ts should say so.
  test("a small typed array moves", () => {
    expect(moved(() => new Uint8Array(64))).toBe(100);
    expect(moved(() => Buffer.alloc(64))).toBe(100);
  });

  test("one over an ArrayBuffer of its own does not", () => {
    expect(moved(() => new Uint8Array(new ArrayBuffer(64)))).toBe(0);
    expect(moved(() => new Block(64).bytes)).toBe(0);
  });
});

describe("a C string", () => {
  const room = new CString();
  const seenByLibc = (text: string): string => {
    const address = room.of(text) as Pointer;
    const length = libc.strlen(address);
    return length === 0 ? "" : Buffer.from(toArrayBuffer(address, 0, length)).toString("utf8");
  };

  test.each([
    ["nothing", "", ""],
    ["ASCII", "css/site.css", "css/site.css"],
    ["two bytes a character", "über/größe", "über/größe"],
    ["four bytes a character", "😀/🎉", "😀/🎉"],
    ["a lone surrogate, which UTF-8 cannot say", "a\ud800b", "a\ufffdb"],
    ["one as long as a path can be", "x".repeat(PATH_MAX - 1), "x".repeat(PATH_MAX - 1)],
    ["a short one after a long one", "y", "y"],
    ["no NUL, neither cut nor kept: the empty name", "file\0.png", ""],
    ["NUL alone", "\0", ""],
  ])("%s", (_name, text, expected) => {
    expect(seenByLibc(text)).toBe(expected);
  });

  test.each([["x"], ["é"], ["€"], ["😀"]])("too long a text of %s is still too long for a path", (character) => {
    for (const length of [4096, 4500, 9000, 100_000]) {
      expect(Buffer.byteLength(seenByLibc(character.repeat(length)))).toBeGreaterThanOrEqual(PATH_MAX);
    }
  });

  test("has one address for all texts, which garbage collection does not change", () => {
    const address = room.of("before");
    Bun.gc(true);
    expect(room.of("after")).toBe(address);
    expect(seenByLibc("after")).toBe("after");
  });
});
