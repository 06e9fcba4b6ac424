/** An entry of a cache that was read: its head, and its body in memory or its file. */
import { FileStatus, type Kernel } from "../../../../ffi/kernel.ts";
import type { Block } from "../../../../ffi/memory.ts";
import { SharedFile } from "../../files/open.ts";
import type { CacheNode } from "../index.ts";
import { decodeHead, type EntryHead, headLength, LONGEST_HEAD, PRELUDE } from "./entry-head.ts";

/** Longest body that is kept in memory and sent from there; longer ones are sent by sendfile(2). */
export const SMALL = 64 * 1024;
/** Bytes of the Block that `readEntry` needs. */
export const READ_AT_ONCE = LONGEST_HEAD + SMALL;

export class Entry {
  /** What locations have made of it: see hits.ts. */
  readonly replies = new Map<object, unknown>();
  /** Used since the last time it was considered for removal. */
  used = true;
  /** Where it is kept at hand; "": nowhere. */
  slot = "";

  constructor(
    readonly node: CacheNode,
    public head: EntryHead,
    /** Offset of the body in the file. */
    readonly start: number,
    readonly body: Buffer | null,
    readonly file: SharedFile | null,
  ) {}

  /** Bytes of the body. */
  get length(): number {
    return this.head.bodyLength;
  }

  isFresh(second: number): boolean {
    return this.head.until >= second;
  }

  /** Another user: the file stays open until all have called `close`. Its maker is the first. */
  hold(): void {
    this.file?.retain();
  }

  close(): void {
    this.file?.release();
  }
}

/** The file cannot be read now. */
export const UNREADABLE = "unreadable";
/** It is damaged, or no entry. */
export const DAMAGED = "damaged";

/** Reads the entry in an open file, which then belongs to the entry, or is closed. */
export function readEntry(
  kernel: Kernel,
  fd: number,
  node: CacheNode,
  block: Block,
): Entry | typeof UNREADABLE | typeof DAMAGED {
  const file = new SharedFile(kernel, fd);
  const entry = examine(kernel, file, node, block);
  if (typeof entry === "string" || entry.file === null) file.release();
  return entry;
}

function examine(kernel: Kernel, file: SharedFile, node: CacheNode, block: Block): ReturnType<typeof readEntry> {
  const status = new FileStatus();
  if (kernel.fstat(file.fd, status) < 0) return UNREADABLE;
  const { size } = status;
  // A large entry's body stays in its file: then the head alone is read.
  const first = Math.min(size, size > READ_AT_ONCE ? 4 * 1024 : READ_AT_ONCE);
  if (!readAll(kernel, file.fd, block, 0, first)) return UNREADABLE;
  const start = headLength(block.bytes.subarray(0, first));
  if (start === 0 || start > size || first < PRELUDE) return DAMAGED;
  if (start > first && !readAll(kernel, file.fd, block, first, start)) return UNREADABLE;
  const head = decodeHead(block.bytes.subarray(0, start));
  if (head === null || start + head.bodyLength !== size) return DAMAGED;
  if (head.bodyLength > SMALL) return new Entry(node, head, start, null, file);
  return new Entry(node, head, start, Buffer.from(block.bytes.subarray(start, size)), null);
}

/** Reads the bytes [from, to) of a file into the same place of the block. */
function readAll(kernel: Kernel, fd: number, block: Block, from: number, to: number): boolean {
  for (let at = from; at < to; ) {
    const n = kernel.read(fd, block, at, to - at, at);
    if (n <= 0) return false;
    at += n;
  }
  return true;
}
