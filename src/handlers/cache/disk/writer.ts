/**
 * Writes one entry while its reply passes. Small replies are gathered and written by one call. An error ends the entry, never the
 * reply. The file gets its name when the reply is complete.
 */
import { ERRNO } from "../../../../ffi/errno.ts";
import type { Kernel } from "../../../../ffi/kernel.ts";
import type { Block } from "../../../../ffi/memory.ts";
import type { BufferPool } from "../../../network/buffers.ts";
import { SMALL } from "./entry.ts";
import { type EntryHead, encodeHead, PRELUDE } from "./entry-head.ts";
import type { CacheFolder } from "./folder.ts";

/** What a writer tells at its end, once. */
interface Written {
  /** The file is there. @param body of a small entry, which may be kept; null: it is only in the file @param size of the file */
  published(head: EntryHead, start: number, body: Buffer | null, size: number): void;
  /** There is no entry. @param error -errno of a failed call, 0: the reply was broken off */
  failed(error: number): void;
}

export class EntryWriter {
  private block: Block | null;
  /** Bytes in the block: those of the head come first until they are written. */
  private held = 0;
  private fd = -1;
  private readonly unfinished: string[] = [];
  private bodyLength = 0;
  private over = false;

  /**
   * @param encoded the head's bytes, from encodeHead
   * @param announced Content-Length; -1: unknown
   */
  constructor(
    private readonly kernel: Kernel,
    private readonly folder: CacheFolder,
    private readonly pool: BufferPool,
    private readonly name: string,
    private readonly head: EntryHead,
    private readonly encoded: Buffer,
    private readonly announced: number,
    private readonly done: Written,
  ) {
    this.block = pool.take(encoded.length + (announced < 0 || announced > SMALL ? SMALL : announced));
    encoded.copy(this.block.bytes);
    this.held = encoded.length;
  }

  get wantsAll(): boolean {
    return !this.over;
  }

  onBody({ bytes }: Block, start: number, end: number): void {
    for (let at = start; at < end && this.block !== null; ) {
      if (this.held === this.block.bytes.length && !this.flush()) return;
      const n = Math.min(end - at, this.block.bytes.length - this.held);
      bytes.copy(this.block.bytes, this.held, at, at + n);
      this.held += n;
      this.bodyLength += n;
      at += n;
    }
  }

  onEnd(whole: boolean): void {
    if (this.over) return;
    if (!whole || (this.announced >= 0 && this.announced !== this.bodyLength)) return this.fail(0);
    const { block, encoded, bodyLength } = this;
    const isWhole = this.fd < 0;
    const head = { ...this.head, bodyLength };
    if (isWhole) encodeHead(head)!.copy(block!.bytes); // its length does not depend on the numbers
    const body = isWhole && bodyLength <= SMALL ? Buffer.from(block!.bytes.subarray(encoded.length, this.held)) : null;
    if (!this.flush() || !this.close() || !(isWhole || this.complete(head))) return;
    const n = this.folder.publish(this.unfinished[0]!, this.name);
    if (n < 0) return this.fail(n);
    this.finish();
    this.done.published(head, encoded.length, body, encoded.length + bodyLength);
  }

  /** Writes the length of the body into a head that was written before it was known. */
  private complete(head: EntryHead): boolean {
    if (head.bodyLength === this.head.bodyLength) return true;
    encodeHead(head)!.copy(this.block!.bytes, 0, 0, PRELUDE);
    const n = this.folder.rewrite(this.unfinished[0]!, this.block!, PRELUDE);
    if (n < 0) this.fail(n);
    return n >= 0;
  }

  /** Writes what is held. False: that failed, and the entry is given up. */
  private flush(): boolean {
    if (this.fd < 0) {
      this.fd = this.folder.create(this.unfinished);
      if (this.fd < 0) return this.failWith(this.fd);
    }
    for (let at = 0; at < this.held; ) {
      const n = this.kernel.write(this.fd, this.block!, at, this.held - at);
      if (n <= 0) return this.failWith(n === 0 ? -ERRNO.EIO : n);
      at += n;
    }
    this.held = 0;
    return true;
  }

  /** Closes the file; some file systems tell only then that the disk is full. */
  private close(): boolean {
    const { fd } = this;
    this.fd = -1;
    const n = this.kernel.close(fd);
    return n < 0 && n !== -ERRNO.EINTR ? this.failWith(n) : true;
  }

  private failWith(error: number): false {
    this.fail(error);
    return false;
  }

  private fail(error: number): void {
    if (this.fd >= 0) this.kernel.close(this.fd);
    if (this.unfinished.length > 0) this.folder.remove(this.unfinished[0]!);
    this.finish();
    this.done.failed(error);
  }

  private finish(): void {
    this.over = true;
    this.fd = -1;
    if (this.block !== null) this.pool.release(this.block);
    this.block = null;
  }
}
