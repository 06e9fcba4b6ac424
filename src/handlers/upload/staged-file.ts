/** A file that comes into being in the staging folder, and appears under its name when it is whole. */
import { O_PATH } from "../../../ffi/abi.ts";
import { ERRNO } from "../../../ffi/errno.ts";
import { FileStatus, type Kernel } from "../../../ffi/kernel.ts";
import { Block } from "../../../ffi/memory.ts";
import type { Settings } from "../../config/model.ts";
import { etagOf } from "../files/file-reply.ts";
import type { HandlerServices } from "../services.ts";
import type { Destination } from "./destination.ts";
import { numberedName } from "./names.ts";
import type { Staging } from "./staging.ts";

/** What happens where the name is taken. */
export type Overwrite = Settings["uploadOverwrite"];

/** What became of a file: its name, and whether there was none of that name. */
export interface Stored {
  readonly name: string;
  readonly created: boolean;
}

/** Stored files may be read by everybody, and are never executable. */
const MODE = 0o644;
/** Numbered names that are tried; then one with random digits is free for sure. */
const MOST_NUMBERS = 100;
/**
 * Room is reserved so much at a time, for files of which more than LEAST_RESERVED is to come: that spares the file system an
 * account of every block (on ext4 a third of a large upload's CPU time, docs/bench.md), and keeps each call short.
 */
const MOST_RESERVED = 4 * 1024 * 1024;
const LEAST_RESERVED = 1024 * 1024;
const MOST_COPIED_BY_HAND = 256 * 1024;

/** It ends with exactly one of `commit` that succeeds, `keep` that succeeds, `abort` and `pause`; after that all of them do nothing. */
export class StagedFile {
  private readonly kernel: Kernel;
  private ended = false;
  private stamped = false;
  /** Up to where there is room, and up to where it is to be reserved. */
  private reserved = 0;
  private expected = 0;

  constructor(
    private readonly services: HandlerServices,
    /** The file is one of its users. */
    readonly staging: Staging,
    readonly name: string,
    private fd: number,
    /** Bytes in it. */
    public size: number,
  ) {
    this.kernel = services.kernel;
    staging.retain();
  }

  /** The entity tag that it will have when it appears; "": not known. To be asked when all is written, before it is finished. */
  version(): string {
    this.stamp();
    const status = new FileStatus();
    return this.kernel.fstat(this.fd, status) < 0 ? "" : etagOf(status);
  }

  /** Says how many bytes are to come at most (-1: not known), so that room for them can be reserved. */
  expect(length: number): void {
    if (length <= LEAST_RESERVED) return;
    this.reserved = this.size;
    this.expected = this.size + length;
  }

  /** Appends block[start, start + length). 0, or -errno: the file is then good for `abort` only. */
  write(block: Block, start: number, length: number): number {
    if (this.reserved < this.expected && this.size + length > this.reserved) this.reserve();
    for (let done = 0; done < length; ) {
      const n = this.kernel.write(this.fd, block, start + done, length - done);
      if (n <= 0) return n === 0 ? -ERRNO.EIO : n;
      done += n;
      this.size += n;
    }
    return 0;
  }

  /**
   * Appends at most `length` bytes of another file (an open descriptor) from `position` on, without a detour through this process
   * where the file system can do it. How many (0: that file has no more), or -errno: the file is then good for `abort` only.
   */
  copy(source: number, position: number, length: number): number {
    if (this.reserved < this.expected && this.size + length > this.reserved) this.reserve();
    let n = this.kernel.sendfile(this.fd, source, position, length); // file to file: since Linux 2.6.33
    while (n === -ERRNO.EINTR) n = this.kernel.sendfile(this.fd, source, position, length);
    if (n === -ERRNO.EINVAL || n === -ERRNO.ENOSYS) return this.copyByHand(source, position, length);
    if (n > 0) this.size += n;
    return n;
  }

  private copyByHand(source: number, position: number, length: number): number {
    const block = new Block(Math.min(length, MOST_COPIED_BY_HAND));
    const n = this.kernel.read(source, block, 0, block.bytes.length, position);
    const written = n > 0 ? this.write(block, 0, n) : 0;
    return written < 0 ? written : n;
  }

  /** Gives up what is behind its first `length` bytes. 0 or -errno. */
  cut(length: number): number {
    const n = this.kernel.truncate(this.fd, length);
    if (n < 0) return n;
    this.size = length;
    this.reserved = 0;
    this.expected = 0;
    return 0;
  }

  /** Only a help: where it fails, the writes will say what is wrong, if anything is. */
  private reserve(): void {
    const length = Math.min(MOST_RESERVED, this.expected - this.reserved);
    if (this.kernel.allocate(this.fd, this.reserved, length) < 0) this.expected = 0;
    else this.reserved += length;
  }

  /** All is written: sets the permissions and the time, and gives the descriptor back. 0 or -errno. `commit` does it too. */
  finish(): number {
    if (this.fd < 0) return 0;
    const chmod = this.kernel.fchmod(this.fd, MODE);
    this.stamp();
    const closed = this.close();
    return chmod < 0 ? chmod : closed;
  }

  /**
   * Gives it a modification time that no other upload of this server has: the kernel's clock ticks every few milliseconds, and two
   * files of one size that replace each other in between would share an ETag. A file system that can't do it has no better one.
   */
  private stamp(): void {
    if (this.stamped) return;
    this.stamped = true;
    const now = Math.floor(this.kernel.realtime());
    this.kernel.futimens(this.fd, Math.floor(now / 1000), (now % 1000) * 1_000_000 + this.services.stores.nextStamp());
  }

  /** Lets it appear in `into` as `name`, or under a name like it. -errno (-EEXIST: refused): it is then still staged. */
  commit(into: Destination, name: string, overwrite: Overwrite): Stored | number {
    const n = this.finish();
    if (n < 0) return n;
    const stored = overwrite === "rename" ? this.free(into.fd, name) : this.exact(into.fd, name, overwrite);
    if (typeof stored === "number") return stored;
    this.services.files.changed();
    this.end();
    return stored;
  }

  /** Removes it. */
  abort(): void {
    if (this.ended) return;
    this.close();
    this.kernel.unlink(this.staging.fd, this.name);
    this.end();
  }

  /** Leaves it in the staging folder as it is, to be opened again by its name. */
  pause(): void {
    if (this.ended) return;
    this.close();
    this.end();
  }

  /** The same under a name by which it survives this process. -errno: it is then still staged. */
  keep(name: string): number {
    const closed = this.close();
    const n = closed < 0 ? closed : this.kernel.rename(this.staging.fd, this.name, this.staging.fd, name, false);
    if (n >= 0) this.end();
    return n;
  }

  private exact(folder: number, name: string, overwrite: Overwrite): Stored | number {
    const n = this.rename(folder, name, false);
    if (n >= 0) return { name, created: true };
    if (n !== -ERRNO.EEXIST || overwrite === "refuse") return n;
    const created = this.leadsNowhere(folder, name);
    const replaced = this.rename(folder, name, true);
    return replaced < 0 ? replaced : { name, created };
  }

  /** Whether a link to nothing has the name: a representation there was none (RFC 9110 §9.3.4). */
  private leadsNowhere(folder: number, name: string): boolean {
    const there = this.kernel.openBeneath(folder, name, O_PATH, 0, "follow");
    if (there >= 0) this.kernel.close(there);
    return there === -ERRNO.ENOENT;
  }

  private free(folder: number, name: string): Stored | number {
    let n = this.rename(folder, name, false);
    let free = name;
    for (let number = 1; n === -ERRNO.EEXIST && number <= MOST_NUMBERS + 1; number++) {
      free = numberedName(name, number <= MOST_NUMBERS ? String(number) : this.services.randomHex(8));
      n = this.rename(folder, free, false);
    }
    return n < 0 ? n : { name: free, created: true };
  }

  private rename(folder: number, name: string, replace: boolean): number {
    return this.kernel.rename(this.staging.fd, this.name, folder, name, replace);
  }

  private close(): number {
    if (this.fd < 0) return 0;
    const { fd } = this;
    if (this.reserved > this.size) this.kernel.truncate(fd, this.size); // gives back what was not needed
    this.fd = -1;
    return this.kernel.close(fd);
  }

  private end(): void {
    this.ended = true;
    this.staging.release();
  }
}
