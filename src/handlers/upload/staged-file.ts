/** A file that is written in the staging folder and renamed to its final name when it is complete. */
import { O_PATH } from "../../../ffi/abi.ts";
import { ERRNO } from "../../../ffi/errno.ts";
import { FileStatus, type Kernel } from "../../../ffi/kernel.ts";
import type { Block } from "../../../ffi/memory.ts";
import type { Settings } from "../../config/model.ts";
import { etagOf } from "../files/file-reply.ts";
import { copyBytes, writeAll } from "../large/copying.ts";
import type { HandlerServices } from "../services.ts";
import type { Destination } from "./destination.ts";
import { numberedName } from "./names.ts";
import type { Staging } from "./staging.ts";

/** What to do if the name exists already. */
export type Overwrite = Settings["uploadOverwrite"];

/** A published file: its final name, and whether no file had that name before. */
export interface Stored {
  readonly name: string;
  readonly created: boolean;
}

/** Most numbered names that are tried. After them a name with random digits is tried, which is practically never taken. */
const MOST_NUMBERS = 100;
/**
 * Disk space is reserved in pieces of MOST_RESERVED bytes if more than LEAST_RESERVED bytes are expected. Without it the file
 * system allocates block by block (on ext4 a third of a large upload's CPU time, docs/bench.md). Pieces keep each call short.
 */
const MOST_RESERVED = 4 * 1024 * 1024;
const LEAST_RESERVED = 1024 * 1024;

/** A file ends by a successful `commit` or `keep`, by `abort` or by `pause`. A later `abort` or `pause` does nothing. */
export class StagedFile {
  private readonly kernel: Kernel;
  private ended = false;
  private stamped = false;
  /** Offset up to which space is reserved, and offset up to which it should be. */
  private reserved = 0;
  private expected = 0;

  constructor(
    private readonly services: HandlerServices,
    /** The file retains it until the file ends. */
    readonly staging: Staging,
    readonly name: string,
    private fd: number,
    /** Number of bytes in the file. */
    public size: number,
    /** Permissions of the published file. */
    public mode: number,
  ) {
    this.kernel = services.kernel;
    staging.retain();
  }

  /** The entity tag that the published file will have; "": not known. Call it after the last write and before `finish`. */
  version(): string {
    this.stamp();
    const status = new FileStatus();
    return this.kernel.fstat(this.fd, status) < 0 ? "" : etagOf(status);
  }

  /** The open file, for attributes. Not after `finish`. */
  get descriptor(): number {
    return this.fd;
  }

  /** Announces the most bytes that will follow (-1: not known), so that disk space can be reserved. */
  expect(length: number): void {
    if (length <= LEAST_RESERVED) return;
    this.reserved = this.size;
    this.expected = this.size + length;
  }

  /** Appends block[start, start + length). 0, or -errno; after an error only `abort` may be called. */
  write(block: Block, start: number, length: number): number {
    if (this.reserved < this.expected && this.size + length > this.reserved) this.reserve();
    const n = writeAll(this.kernel, this.fd, block, start, length);
    if (n >= 0) this.size += length;
    return n;
  }

  /**
   * Appends at most `length` bytes of another file (an open descriptor), starting at `position`. The kernel copies them, where
   * the file system supports it. Number of bytes (0: end of that file), or -errno; after an error only `abort` may be called.
   */
  copy(source: number, position: number, length: number): number {
    if (this.reserved < this.expected && this.size + length > this.reserved) this.reserve();
    const n = copyBytes(this.kernel, this.fd, source, position, length);
    if (n > 0) this.size += n;
    return n;
  }

  /** Shortens the file to its first `length` bytes. 0 or -errno. */
  truncate(length: number): number {
    const n = this.kernel.truncate(this.fd, length);
    if (n < 0) return n;
    this.size = length;
    this.reserved = 0;
    this.expected = 0;
    return 0;
  }

  /** Reserves the next piece of disk space. An error is ignored: if the disk is full, the next write reports it. */
  private reserve(): void {
    const length = Math.min(MOST_RESERVED, this.expected - this.reserved);
    if (this.kernel.allocate(this.fd, this.reserved, length) < 0) this.expected = 0;
    else this.reserved += length;
  }

  /** To be called after the last write: sets permissions and modification time, and closes the descriptor. 0 or -errno. `commit` calls it. */
  finish(): number {
    if (this.fd < 0) return 0;
    const chmod = this.kernel.fchmod(this.fd, this.mode);
    this.stamp();
    const closed = this.close();
    return chmod < 0 ? chmod : closed;
  }

  /** Sets the modification time (since 1970) instead of the time at which the file is complete. An error is ignored. */
  date(seconds: number, nanoseconds = 0): void {
    this.stamped = true;
    this.kernel.futimens(this.fd, seconds, nanoseconds);
  }

  /**
   * Sets a modification time that no other upload of this server has. The kernel's clock ticks every few milliseconds; if a file
   * replaced another of the same size within one tick, both would have the same ETag. An error is ignored: the ETag is less exact then.
   */
  private stamp(): void {
    if (this.stamped) return;
    this.stamped = true;
    const now = Math.floor(this.kernel.realtime());
    this.kernel.futimens(this.fd, Math.floor(now / 1000), (now % 1000) * 1_000_000 + this.services.stores.nextStamp());
  }

  /** Renames it to `name` (or, with "rename", a similar name) in `into`. -errno (-EEXIST: the name is taken): it is still staged. */
  commit(into: Destination, name: string, overwrite: Overwrite): Stored | number {
    const n = this.finish();
    if (n < 0) return n;
    const stored = overwrite === "rename" ? this.renameToFree(into.fd, name) : this.renameTo(into.fd, name, overwrite);
    if (typeof stored === "number") return stored;
    this.services.files.changed();
    this.end();
    return stored;
  }

  /** Removes the file. */
  abort(): void {
    if (this.ended) return;
    this.close();
    this.kernel.unlink(this.staging.fd, this.name);
    this.end();
  }

  /** Closes the file and leaves it in the staging folder; it can be opened again by its name. */
  pause(): void {
    if (this.ended) return;
    this.close();
    this.end();
  }

  /** Does the same under another name, which the cleanup at the next start does not remove. -errno: it is still staged. */
  keep(name: string): number {
    const closed = this.close();
    const n = closed < 0 ? closed : this.kernel.rename(this.staging.fd, this.name, this.staging.fd, name, false);
    if (n >= 0) this.end();
    return n;
  }

  private renameTo(folder: number, name: string, overwrite: Overwrite): Stored | number {
    const n = this.rename(folder, name, false);
    if (n >= 0) return { name, created: true };
    if (n !== -ERRNO.EEXIST || overwrite === "refuse") return n;
    const created = this.isBrokenLink(folder, name);
    const replaced = this.rename(folder, name, true);
    return replaced < 0 ? replaced : { name, created };
  }

  /** Whether the name is a broken link. Then the target had no representation before, so it counts as created (RFC 9110 §9.3.4). */
  private isBrokenLink(folder: number, name: string): boolean {
    const there = this.kernel.openBeneath(folder, name, O_PATH, 0, "follow");
    if (there >= 0) this.kernel.close(there);
    return there === -ERRNO.ENOENT;
  }

  private renameToFree(folder: number, name: string): Stored | number {
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
    if (this.reserved > this.size) this.kernel.truncate(fd, this.size); // frees reserved space that is not used
    this.fd = -1;
    return this.kernel.close(fd);
  }

  private end(): void {
    this.ended = true;
    this.staging.release();
  }
}
