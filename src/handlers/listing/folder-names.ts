/**
 * The names in folders, read and sorted once for all clients that list the same folder at the same time. Memory is limited,
 * whatever clients do: one folder is read at a time, and of the complete ones the oldest are dropped when they take too much.
 * A listing whose names were dropped has the folder read again and continues after the last name it described.
 */
import { DT_DIR, DT_REG, directoryEntries } from "../../../ffi/abi.ts";
import { FileStatus } from "../../../ffi/kernel.ts";
import { Block } from "../../../ffi/memory.ts";
import type { Services } from "../../exchange/services.ts";
import type { Folder } from "./folder.ts";
import { type SortedNames, Sorter } from "./sorted-names.ts";

/** Buffer size for one getdents64, in bytes. */
const NAMES_A_STEP = 16 * 1024;
/** Names examined (open, statx, close) between two yields. */
const LOOKS_A_STEP = 64;
/** Most bytes of the names of all folders together. */
const MAX_BYTES = 32 * 1024 * 1024;
/** A folder that changed within this many seconds may change again without a new mtime: some file systems have a resolution of 2 s. */
const UNSETTLED = 3;

/** The names in one folder: still to be read, complete, or dropped (both lists null). */
export class FolderNames {
  folders: SortedNames | null = null;
  files: SortedNames | null = null;
  /** Why the folder could not be read: -errno. */
  failure = 0;
  /** Whether it is still to be read completely; `SharedNames.step` reads it. */
  unread = true;
  users = 1;
  private begun = false;
  private settled = false;
  private readonly work = this.read();

  /** @param fd of the folder, closed when it has been read; `version`: its status when it was opened */
  constructor(
    private readonly services: Services,
    readonly folder: Folder,
    private readonly fd: number,
    private readonly version: FileStatus,
  ) {
    folder.root.retain();
  }

  /** The bytes it takes, approximately. */
  get length(): number {
    return (this.folders?.length ?? 0) + (this.files?.length ?? 0);
  }

  /** Whether these are the names of a folder whose status is now `seen`. */
  isOf(seen: FileStatus): boolean {
    const { version } = this;
    if (version.inode !== seen.inode || version.device !== seen.device) return false;
    const same = version.mtimeSeconds === seen.mtimeSeconds && version.mtimeNanoseconds === seen.mtimeNanoseconds;
    return !this.begun || (this.settled && same);
  }

  /** Reads or sorts one step. */
  step(): void {
    if (this.work.next().done) this.close();
  }

  /** Stops reading. */
  close(): void {
    this.unread = false;
    this.services.kernel.close(this.fd);
    this.folder.root.release();
  }

  forget(): void {
    this.folders = this.files = null;
  }

  private *read(): Generator<void, void> {
    this.begin();
    const folders = new Sorter();
    const files = new Sorter();
    const block = new Block(NAMES_A_STEP);
    for (;;) {
      const n = this.services.kernel.getdents(this.fd, block);
      if (n < 0) this.failure = n;
      if (n <= 0) break;
      yield* this.sort(block, n, folders, files);
      yield;
    }
    if (this.failure < 0) return;
    this.folders = yield* folders.pack();
    this.files = yield* files.pack();
  }

  /** Records the folder's status before reading: later changes may be missed. */
  private begin(): void {
    const { kernel, clock } = this.services;
    this.begun = true;
    this.settled = kernel.fstat(this.fd, this.version) >= 0 && clock.second - this.version.mtimeSeconds >= UNSETTLED;
  }

  private *sort(block: Block, length: number, folders: Sorter, files: Sorter): Generator<void, void> {
    let looks = 0;
    for (const { name, type } of directoryEntries(block, length)) {
      if (!this.folder.shows(name)) continue;
      const known = type === DT_DIR || type === DT_REG;
      if (!known && ++looks % LOOKS_A_STEP === 0) yield;
      const isFolder = type === DT_DIR || (!known && this.folder.isFolder(name));
      (isFolder ? folders : files).add(name);
    }
  }
}

/** The names that the listings of a server use now. */
export class SharedNames {
  private readonly unread: FolderNames[] = [];
  private readonly complete = new Map<string, FolderNames>();
  private bytes = 0;

  /** @param maxBytes limit for all names together; a single folder may exceed it */
  constructor(
    private readonly services: Services,
    private readonly maxBytes = MAX_BYTES,
  ) {}

  /** The current names of `folder`. It takes ownership of `fd`, with which the folder is read. The caller releases the names. */
  acquire(folder: Folder, fd: number): FolderNames {
    const { kernel } = this.services;
    const seen = new FileStatus();
    const known = kernel.fstat(fd, seen) < 0 ? undefined : this.find(folder, (names) => names.isOf(seen));
    if (known === undefined) return this.open(folder, fd, seen);
    kernel.close(fd);
    known.users++;
    return known;
  }

  /** The names of `folder` for a listing whose names were dropped; their version does not matter. -errno: the folder can't be opened any more. */
  reacquire(folder: Folder): FolderNames | number {
    const known = this.find(folder, () => true);
    if (known === undefined) {
      const fd = folder.open();
      return fd < 0 ? fd : this.acquire(folder, fd);
    }
    known.users++;
    return known;
  }

  release(names: FolderNames): void {
    if (--names.users > 0) return;
    if (names.unread) {
      this.unread.splice(this.unread.indexOf(names), 1);
      names.close();
    } else if (this.complete.get(names.folder.key) === names) this.drop(names);
  }

  /** Reads one step of the folder that is first in the queue, whichever client asked for it: that client may not be reading. */
  step(): void {
    const names = this.unread[0];
    if (names === undefined) return;
    names.step();
    if (names.unread) return;
    this.unread.shift();
    if (names.failure === 0) this.keep(names);
  }

  private find(folder: Folder, fits: (names: FolderNames) => boolean): FolderNames | undefined {
    const complete = this.complete.get(folder.key);
    if (complete !== undefined && fits(complete)) return complete;
    return this.unread.find((names) => names.folder.key === folder.key && fits(names));
  }

  private open(folder: Folder, fd: number, seen: FileStatus): FolderNames {
    const names = new FolderNames(this.services, folder, fd, seen);
    this.unread.push(names);
    return names;
  }

  private keep(names: FolderNames): void {
    const { complete } = this;
    const older = complete.get(names.folder.key);
    if (older !== undefined) this.drop(older);
    complete.set(names.folder.key, names);
    this.bytes += names.length;
    for (const oldest of complete.values()) {
      if (this.bytes <= this.maxBytes || oldest === names) break;
      this.drop(oldest);
    }
  }

  private drop(names: FolderNames): void {
    this.complete.delete(names.folder.key);
    this.bytes -= names.length;
    names.forget();
  }
}
