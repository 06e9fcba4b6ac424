/**
 * The staging folder holds unfinished files. It is a hidden folder of the store, on the same file system, so that rename(2)
 * publishes a finished file in one step. Each server holds a lock there; files whose lock is free are leftovers of a dead server.
 */
import {
  directoryEntries,
  O_CREAT,
  O_DIRECTORY,
  O_EXCL,
  O_NOFOLLOW,
  O_PATH,
  O_RDONLY,
  O_RDWR,
} from "../../../ffi/abi.ts";
import { ERRNO } from "../../../ffi/errno.ts";
import { FileStatus, type Kernel } from "../../../ffi/kernel.ts";
import { Block } from "../../../ffi/memory.ts";
import { STAGING } from "../../config/parts.ts";
import type { Services } from "../../exchange/services.ts";
import type { SharedFile } from "../files/open.ts";
import { removeTree } from "../large/tree-removal.ts";

const FOLDER = O_PATH | O_DIRECTORY | O_NOFOLLOW;
/** Most tries of a step that another process can undo by removing what was just created or found. */
const MOST_TRIES = 4;

const lockName = (instance: string): string => `${instance}.lock`;
/** `<instance>.lock` and `<instance>-<n>`. Files of resumable uploads have other names, so the cleanup leaves them. */
const OF_INSTANCE = /^([0-9a-f]{16})(?:\.lock|-\d+)$/;

/** Opens the staging folder of `store`; `make` creates it if it is missing. -errno (-ENOENT: there is none). The caller must release it. */
export function openStaging(services: Services, store: SharedFile, make: boolean): Staging | number {
  const { kernel } = services;
  const status = new FileStatus();
  const looked = kernel.fstat(store.fd, status);
  if (looked < 0) return looked;
  for (let tries = 0; tries < MOST_TRIES; tries++) {
    const fd = kernel.openBeneath(store.fd, STAGING, FOLDER, 0, "deny");
    if (fd >= 0) return new Staging(services, store, fd, `${status.device}:${status.inode}`);
    if (fd !== -ERRNO.ENOENT || !make) return fd;
    const n = kernel.mkdir(store.fd, STAGING, 0o700);
    if (n < 0 && n !== -ERRNO.EEXIST) return n;
  }
  return -ERRNO.ENOENT;
}

/**
 * An open staging folder with a reference count. The Store and every unfinished file retain it. The last release removes the
 * lock and closes the descriptors.
 */
export class Staging {
  private readonly kernel: Kernel;
  private users = 1;
  private instance = "";
  private lock = -1;
  private count = 0;

  constructor(
    private readonly services: Services,
    readonly store: SharedFile,
    /** O_PATH, for names relative to it. */
    readonly fd: number,
    /** The store's device and inode, which are the same for every path to the store. */
    readonly identity: string,
  ) {
    this.kernel = services.kernel;
    store.retain();
  }

  retain(): void {
    this.users++;
  }

  release(): void {
    if (--this.users > 0) return;
    if (this.lock >= 0) {
      this.kernel.unlink(this.fd, lockName(this.instance));
      this.kernel.close(this.lock);
    }
    this.kernel.close(this.fd);
    this.kernel.rmdir(this.store.fd, STAGING); // fails while it holds resumable uploads or another server's files
    this.store.release();
  }

  /** Whether the store's staging folder is still this one. */
  isThere(): boolean {
    return lookFor(this.kernel, this.store.fd, STAGING, this.fd) >= 0;
  }

  /** A unique name for an unfinished file, or -errno. If this process dies, the next start removes the file. */
  nextName(): string | number {
    const n = this.lock >= 0 ? 0 : this.takeInstance();
    return n < 0 ? n : `${this.instance}-${++this.count}`;
  }

  /** Checks that `name` in this folder is the file that `fd` has open. 0: it is; -ENOENT: it is not; other -errno. */
  find(name: string, fd: number): number {
    return lookFor(this.kernel, this.fd, name, fd);
  }

  /** A descriptor for getdents, or -errno. The caller closes it. */
  openToRead(): number {
    return this.kernel.openBeneath(this.fd, ".", O_RDONLY | O_DIRECTORY, 0, "deny");
  }

  /** The names in the folder, or -errno. */
  private names(): string[] | number {
    const fd = this.openToRead();
    if (fd < 0) return fd;
    const block = new Block(32 * 1024);
    const names: string[] = [];
    let n = this.kernel.getdents(fd, block);
    for (; n > 0; n = this.kernel.getdents(fd, block)) {
      for (const { name } of directoryEntries(block, n)) names.push(name);
    }
    this.kernel.close(fd);
    return n < 0 ? n : names;
  }

  /** Removes unfinished files and folders of dead servers; gives their number. */
  removeLeftovers(): number {
    const names = this.names();
    if (typeof names === "number") return 0;
    const dead = new Map<string, number>();
    let removed = 0;
    for (const name of names) {
      const instance = OF_INSTANCE.exec(name)?.[1];
      if (instance === undefined) continue;
      if (!dead.has(instance)) dead.set(instance, this.lockOfDead(instance));
      if (dead.get(instance) === ALIVE || name === lockName(instance)) continue;
      if (this.removeLeftover(name) >= 0) removed++;
    }
    for (const [instance, lock] of dead) if (lock !== ALIVE) this.removeLock(instance, lock);
    return removed;
  }

  /** Removes an unfinished file, or a folder that was being copied. 0 or -errno. */
  private removeLeftover(name: string): number {
    const n = this.kernel.unlink(this.fd, name);
    return n === -ERRNO.EISDIR || n === -ERRNO.EPERM ? removeTree(this.kernel, this.fd, name) : n;
  }

  /**
   * Takes the lock of an instance, so that only one server removes its files. Gives the lock's descriptor, NO_LOCK if the
   * instance is dead and has no lock, or ALIVE if the lock is held or cannot be opened.
   */
  private lockOfDead(instance: string): number {
    const fd = this.kernel.openBeneath(this.fd, lockName(instance), O_RDWR | O_NOFOLLOW, 0, "deny");
    if (fd === -ERRNO.ENOENT) return NO_LOCK;
    if (fd < 0) return ALIVE; // probably another user's server: its files are left alone
    if (this.kernel.flock(fd) >= 0) return fd;
    this.kernel.close(fd);
    return ALIVE;
  }

  /** Called after the files were removed, so that the next start finds the rest if the cleanup is interrupted. */
  private removeLock(instance: string, lock: number): void {
    if (lock === NO_LOCK) return;
    this.kernel.unlink(this.fd, lockName(instance));
    this.kernel.close(lock);
  }

  /**
   * Creates and takes the lock of this instance. Another server's cleanup may find the file before it is locked, and treat this
   * instance as dead; then another lock is created. 0 or more, or -errno.
   */
  private takeInstance(): number {
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      const instance = this.services.randomHex(8);
      const name = lockName(instance);
      const fd = this.kernel.openBeneath(this.fd, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600, "deny");
      if (fd < 0) return fd;
      const n = this.kernel.flock(fd);
      if (n >= 0 && this.find(name, fd) >= 0) {
        this.instance = instance;
        return (this.lock = fd);
      }
      this.kernel.unlink(this.fd, name); // the name is random, so it is this server's
      this.kernel.close(fd);
      if (n < 0 && n !== -ERRNO.EAGAIN) return n;
    }
    return -ERRNO.EAGAIN;
  }
}

const NO_LOCK = -1;
const ALIVE = -2;

/** Checks that `name` in `directory` is the file that `fd` has open. 0: it is; -ENOENT: it is not; other -errno. */
function lookFor(kernel: Kernel, directory: number, name: string, fd: number): number {
  const found = kernel.openBeneath(directory, name, O_PATH | O_NOFOLLOW, 0, "deny");
  if (found < 0) return found;
  const there = new FileStatus();
  const here = new FileStatus();
  const n = Math.min(kernel.fstat(found, there), kernel.fstat(fd, here));
  kernel.close(found);
  return n < 0 || (there.inode === here.inode && there.device === here.device) ? n : -ERRNO.ENOENT;
}
