/**
 * The folder of a cache on disk. An entry is written to a file of its own and gets its name when it is whole. A lock keeps two
 * servers out of one folder; files that are no entries are left alone.
 */
import {
  AT_FDCWD,
  O_CREAT,
  O_DIRECTORY,
  O_EXCL,
  O_NOFOLLOW,
  O_PATH,
  O_RDONLY,
  O_RDWR,
  O_WRONLY,
} from "../../../../ffi/abi.ts";
import { ERRNO } from "../../../../ffi/errno.ts";
import type { Kernel } from "../../../../ffi/kernel.ts";
import type { Block } from "../../../../ffi/memory.ts";
import { pathOf } from "./key.ts";

const LOCK = ".lock";
/** Names of unfinished files. Whoever has the lock may remove those that are not its own. */
export const IS_UNFINISHED = /^part-\d+$/;

export class CacheFolder {
  private fd = -1;
  private lock = -1;
  private count = 0;

  constructor(
    private readonly kernel: Kernel,
    readonly path: string,
    readonly levels: readonly number[],
  ) {}

  get isOpen(): boolean {
    return this.fd >= 0;
  }

  /** Opens and locks the folder; creates it if only its last part is missing. 0, or -errno (-EAGAIN: another server has it). */
  open(): number {
    const { kernel } = this;
    let fd = kernel.open(this.path, O_PATH | O_DIRECTORY, 0);
    if (fd === -ERRNO.ENOENT) {
      const made = kernel.mkdir(AT_FDCWD, this.path, 0o700);
      if (made < 0 && made !== -ERRNO.EEXIST) return made;
      fd = kernel.open(this.path, O_PATH | O_DIRECTORY, 0);
    }
    if (fd < 0) return fd;
    const n = this.takeLock(fd);
    if (n < 0) kernel.close(fd);
    else this.fd = fd;
    return n;
  }

  private takeLock(folder: number): number {
    const lock = this.kernel.openBeneath(folder, LOCK, O_RDWR | O_CREAT | O_NOFOLLOW, 0o600, "deny");
    if (lock < 0) return lock;
    const n = this.kernel.flock(lock);
    if (n < 0) this.kernel.close(lock);
    else this.lock = lock;
    return Math.min(n, 0);
  }

  close(): void {
    if (!this.isOpen) return;
    this.kernel.close(this.lock);
    this.kernel.close(this.fd);
    this.fd = this.lock = -1;
  }

  /** Opens a file of the folder to read it, by the name of its entry. A descriptor or -errno. */
  openEntry(name: string): number {
    if (!this.isOpen) return -ERRNO.ENOENT;
    return this.kernel.openBeneath(this.fd, pathOf(name, this.levels), O_RDONLY | O_NOFOLLOW, 0, "deny");
  }

  /** Opens what is at `path` beneath the folder, to list or to examine it. A descriptor or -errno. */
  examine(path: string, flags: number): number {
    return this.isOpen ? this.kernel.openBeneath(this.fd, path, flags | O_NOFOLLOW, 0, "deny") : -ERRNO.ENOENT;
  }

  /** Makes an unfinished file; its name goes to `into[0]`. A descriptor or -errno. */
  create(into: string[]): number {
    if (!this.isOpen) return -ERRNO.ENOENT;
    for (;;) {
      const name = `part-${++this.count}`;
      const fd = this.kernel.openBeneath(this.fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600, "deny");
      if (fd === -ERRNO.EEXIST) continue; // a leftover of a dead server
      into[0] = name;
      return fd;
    }
  }

  /** Whether an unfinished file may be one that this server writes now. */
  mayBeOurs(name: string): boolean {
    return Number(name.slice("part-".length)) <= this.count;
  }

  /** Gives an unfinished file its name. 0 or -errno. */
  publish(unfinished: string, name: string): number {
    if (!this.isOpen) return -ERRNO.ENOENT;
    const path = pathOf(name, this.levels);
    const n = this.kernel.rename(this.fd, unfinished, this.fd, path, true);
    if (n !== -ERRNO.ENOENT || this.levels.length === 0) return n;
    for (let slash = path.indexOf("/"); slash >= 0; slash = path.indexOf("/", slash + 1)) {
      const made = this.kernel.mkdir(this.fd, path.slice(0, slash), 0o700);
      if (made < 0 && made !== -ERRNO.EEXIST) return made;
    }
    return this.kernel.rename(this.fd, unfinished, this.fd, path, true);
  }

  /** Writes the first bytes of a file anew: of an entry, or of an unfinished one. 0 or -errno. */
  rewrite(path: string, block: Block, length: number): number {
    const fd = this.examine(path, O_WRONLY);
    if (fd < 0) return fd;
    const n = this.kernel.write(fd, block, 0, length);
    this.kernel.close(fd);
    return n < 0 ? n : n === length ? 0 : -ERRNO.EIO;
  }

  /** Bytes free on the file system; Infinity: not known. */
  free(): number {
    const bytes = this.isOpen ? this.kernel.freeSpace(this.fd) : 0;
    return bytes < 0 || !this.isOpen ? Number.POSITIVE_INFINITY : bytes;
  }

  removeEntry(name: string): void {
    this.remove(pathOf(name, this.levels));
  }

  remove(path: string): void {
    if (this.isOpen) this.kernel.unlink(this.fd, path);
  }
}
