/**
 * The cache of a location's files: contents of small files, descriptors of larger ones, folders, and missing files.
 * An entry is used without a look at the file for `open_file_cache_valid`; after that the file is checked again.
 */
import { O_PATH, O_RDONLY, S_IFDIR, S_IFMT, S_IFREG } from "../../../ffi/abi.ts";
import { ERRNO, errnoText } from "../../../ffi/errno.ts";
import { FileStatus } from "../../../ffi/kernel.ts";
import { Block } from "../../../ffi/memory.ts";
import type { Settings } from "../../config/model.ts";
import { filename, type Place } from "../../exchange/place.ts";
import type { Field } from "../../exchange/reply.ts";
import type { Coding } from "../../http/accept-encoding.ts";
import type { Validators } from "../../http/reply/conditional.ts";
import type { HandlerServices } from "../services.ts";
import type { FileCaches, FileHolder } from "./file-caches.ts";
import type { KeptReply } from "./kept-reply.ts";
import { type AS_IT_IS, type EACH_TIME, MadeForm, unnamedFile } from "./made-form.ts";
import { openWithin, RootFolders, SharedFile } from "./open.ts";

/** Largest file kept in memory, in bytes. A send(2) from memory costs less than sendfile(2) up to here (docs/bench.md, gzip). */
export const SMALL = 44 * 1024;
/** Most bytes that all locations together keep in memory. */
const MAX_BYTES = 64 * 1024 * 1024;
/** Errors that depend on the path and not on the moment, so they may be cached. */
const LASTING: readonly number[] = [
  ERRNO.ENOENT,
  ERRNO.ENOTDIR,
  ERRNO.ENAMETOOLONG,
  ERRNO.EACCES,
  ERRNO.ELOOP,
  ERRNO.EXDEV,
  ERRNO.ENXIO,
];

/** The result of looking up a file. */
export class Entry {
  kind: "file" | "folder" | "none" = "none";
  /** The errno if the file cannot be served; ENXIO also for what is neither file nor folder. */
  error = 0;
  /** Why the file was not looked up; "": it was. */
  unsought = "";
  readonly status = new FileStatus();
  /** Number of bytes served: those read of a small file, else the file's size. */
  length = 0;
  /** The content of a small file. */
  body: Buffer | null = null;
  /** The descriptor of a larger file. */
  file: SharedFile | null = null;
  /** Replies made from it: the 200 of a small file, the 304, and the 301 of a folder. */
  whole: KeptReply | null = null;
  notModified: KeptReply | null = null;
  slash: KeptReply | null = null;
  /** What to send for each coding, as far as known; indexes as in codings.ts. An Entry is a compressed file beside this one. */
  readonly forms: (Entry | MadeForm | typeof AS_IT_IS | typeof EACH_TIME | undefined)[] = [];
  /** The 304 for its compressed forms. */
  weakNotModified: KeptReply | null = null;
  /** The coding, if this is a compressed file beside another. */
  coding: Coding | null = null;
  /** Bytes of its compressed forms. */
  formBytes = 0;
  /** The fields of its 200 and its validators, made when first needed. */
  fields: readonly Field[] | null = null;
  /** Filters change its body; known with `fields`. */
  isChanged = false;
  validators: Validators | null = null;

  /** Monotonic ms until which it may be used without a check, unless the server changes files before that (`epoch`). */
  freshUntil = 0;
  epoch = 0;
  /** The turn in which it was last checked. */
  turn = 0;
  /** Monotonic ms of the last use, updated when the file is checked. `used`: whether it was used since then, or since eviction skipped it. */
  usedAt = 0;
  used = true;
  /** Whether the cache contains it. Otherwise it belongs to one request, which closes it. */
  cached = false;

  constructor(readonly place: Place) {}

  /** The reason for the error log. */
  get reason(): string {
    if (this.unsought !== "") return `"${this.place.path}" ${this.unsought}`;
    const name = filename(this.place);
    return this.error === ERRNO.ENXIO
      ? `"${name}" is not a regular file`
      : `open() "${name}" failed (${errnoText(this.error)})`;
  }

  /** Releases the descriptor; replies in progress keep it open. */
  close(): void {
    this.file?.release();
    this.file = null;
  }
}

/** The cache of one location. */
export class FileCache implements FileHolder {
  private readonly entries = new Map<string, Entry>();
  private readonly roots: RootFolders;
  private readonly shared: FileCaches;
  private readonly seen = new FileStatus();

  constructor(
    private readonly settings: Settings,
    private readonly services: HandlerServices,
  ) {
    this.roots = new RootFolders(services.kernel);
    this.shared = services.files;
    this.shared.add(this);
  }

  /** The entry under `key` if it may be used without a check of the file. */
  fresh(key: string): Entry | null {
    const entry = this.entries.get(key);
    if (entry === undefined || !this.isFresh(entry)) return null;
    entry.used = true;
    return entry;
  }

  /** Whether an entry may be used without a check of the file. */
  isFresh(entry: Entry): boolean {
    const { now, turn } = this.services.clock;
    return entry.cached && (entry.freshUntil > now || entry.turn === turn) && entry.epoch === this.shared.epoch;
  }

  /** Adds the bytes of a compressed form to an entry. False: there is no room to keep it. */
  grow(entry: Entry, bytes: number): boolean {
    if (!entry.cached || this.shared.bytes + bytes > MAX_BYTES) return false;
    this.shared.bytes += bytes;
    entry.formBytes += bytes;
    return true;
  }

  /** Keeps a compressed form of an entry in a file of its own, if one more descriptor may be kept. Null: it stays in memory. */
  fileOf(entry: Entry, body: Buffer): SharedFile | null {
    if (!entry.cached || this.shared.files >= this.mostFiles) return null;
    const file = unnamedFile(this.services.kernel, body);
    if (file !== null) this.shared.files++;
    return file;
  }

  /** Looks up a file, checking the file system now. With `open_file_cache off` the entry is not `cached`. */
  look(key: string, place: Place): Entry {
    const known = this.entries.get(key);
    if (known !== undefined && known.kind !== "none" && this.unchanged(known, place)) return this.believe(known);
    if (known !== undefined) this.forget(key, known);
    let entry = this.load(place);
    // The open root may be outdated: the folder may have been removed and made again, or replaced by renaming.
    if (entry.kind === "none" && this.roots.hasMoved(place.root, this.services.clock.now)) entry = this.load(place);
    if (this.settings.openFileCache !== null && (entry.error === 0 || LASTING.includes(entry.error))) {
      this.keep(key, entry);
    }
    return entry;
  }

  /** The folder that contains `place`, checked now: a descriptor (the caller must retain it to keep it) or -errno. */
  root(place: Place): SharedFile | number {
    return this.roots.get(place.root, this.services.clock.now, 0);
  }

  /** Removes entries not used for `inactive` ms. Visits all entries, so it is called rarely. */
  sweep(): void {
    const { now } = this.services.clock;
    const inactive = this.settings.openFileCache?.inactive ?? 0;
    for (const [key, entry] of this.entries) {
      if (entry.used) entry.usedAt = now;
      entry.used = false;
      if (now - entry.usedAt > inactive) this.forget(key, entry);
    }
  }

  dropFiles(): void {
    for (const [key, entry] of this.entries) if (entry.file !== null) this.forget(key, entry);
  }

  /** Removes all entries and closes the roots. */
  close(): void {
    this.shared.remove(this);
    for (const [key, entry] of this.entries) this.forget(key, entry);
    this.roots.close();
  }

  private believe(entry: Entry): Entry {
    const { now, turn } = this.services.clock;
    const lasts = entry.kind !== "none" || this.settings.openFileCacheErrors;
    entry.freshUntil = lasts ? now + this.settings.openFileCacheValid : now;
    entry.turn = turn;
    entry.epoch = this.shared.epoch;
    entry.usedAt = now;
    entry.used = true;
    return entry;
  }

  /** Whether the path still leads to the same version of the file that the entry was made from. */
  private unchanged(entry: Entry, place: Place): boolean {
    const { seen } = this;
    const fd = this.open(place, O_PATH);
    if (fd < 0) return false;
    const failed = this.services.kernel.fstat(fd, seen) < 0;
    this.services.kernel.close(fd);
    return !failed && sameFile(entry.status, seen);
  }

  private load(place: Place): Entry {
    const entry = new Entry(place);
    // Folders are opened with O_PATH: one that may be entered but not read still has its index.
    const fd = this.open(place, place.path.endsWith("/") || place.path === "." ? O_PATH : O_RDONLY);
    if (fd < 0) entry.error = -fd;
    else this.examine(entry, new SharedFile(this.services.kernel, fd));
    return entry;
  }

  private open(place: Place, flags: number): number {
    const valid = this.settings.openFileCache === null ? 0 : this.settings.openFileCacheValid;
    const root = this.roots.get(place.root, this.services.clock.now, valid);
    if (typeof root === "number") return root;
    return openWithin(this.services.kernel, root.fd, place.path, flags, this.settings.symlinks);
  }

  private examine(entry: Entry, file: SharedFile): void {
    const { status } = entry;
    const failed = this.services.kernel.fstat(file.fd, status);
    const type = failed < 0 ? 0 : status.mode & S_IFMT;
    entry.length = status.size;
    if (type === S_IFREG && (this.settings.openFileCache === null || status.size > SMALL)) {
      entry.kind = "file";
      entry.file = file;
      return;
    }
    if (type === S_IFDIR) entry.kind = "folder";
    else if (type === S_IFREG) this.readSmall(entry, file.fd);
    else entry.error = failed < 0 ? -failed : ERRNO.ENXIO;
    file.release();
  }

  private readSmall(entry: Entry, fd: number): void {
    const { size } = entry.status;
    const block = new Block(Math.max(1, size));
    let length = 0;
    for (let n = 1; length < size && n > 0; length += Math.max(0, n)) {
      n = this.services.kernel.read(fd, block, length, size - length, length);
      if (n < 0) entry.error = -n;
    }
    if (entry.error !== 0) return;
    entry.kind = "file";
    entry.length = length; // a file that shrank meanwhile is served with its new length
    entry.body = block.bytes.subarray(0, length);
  }

  private keep(key: string, entry: Entry): void {
    const { max } = this.settings.openFileCache!;
    const bytes = entry.body?.length ?? 0;
    while (this.entries.size > 0 && (this.entries.size >= max || this.shared.bytes + bytes > MAX_BYTES)) this.evict();
    if (max === 0 || this.shared.bytes + bytes > MAX_BYTES) return;
    if (entry.file !== null && !this.takeDescriptor()) return;
    this.shared.bytes += bytes;
    entry.cached = true;
    this.entries.set(key, this.believe(entry));
  }

  /** How many descriptors may be kept; read anew, because the limit may have been raised. */
  private get mostFiles(): number {
    return Math.max(0, this.services.kernel.descriptorLimit()) >> 5;
  }

  /** Reserves one of the descriptors that may be kept; if necessary closes another file of this location. */
  private takeDescriptor(): boolean {
    if (this.shared.files >= this.mostFiles && !this.evict((entry) => entry.file !== null)) return false;
    this.shared.files++;
    return true;
  }

  /**
   * Evicts one of the entries that `among` accepts; false: there is none. Second chance: an entry used since the last time goes to
   * the end of the queue instead. Entries for missing files get no second chance.
   */
  private evict(among: (entry: Entry) => boolean = () => true): boolean {
    for (const [key, entry] of this.entries) {
      if (!among(entry)) continue;
      if (!entry.used || entry.kind === "none") {
        this.forget(key, entry);
        return true;
      }
      entry.used = false;
      this.entries.delete(key);
      this.entries.set(key, entry);
    }
    return false;
  }

  private forget(key: string, entry: Entry): void {
    this.entries.delete(key);
    this.shared.bytes -= (entry.body?.length ?? 0) + entry.formBytes;
    entry.formBytes = 0;
    if (entry.file !== null) this.shared.files--;
    for (const form of entry.forms) if (form instanceof MadeForm && form.close()) this.shared.files--;
    entry.cached = false;
    entry.close();
  }
}

function sameFile(a: FileStatus, b: FileStatus): boolean {
  return (
    a.inode === b.inode &&
    a.device === b.device &&
    a.size === b.size &&
    a.mtimeSeconds === b.mtimeSeconds &&
    a.mtimeNanoseconds === b.mtimeNanoseconds &&
    a.ctimeSeconds === b.ctimeSeconds && // unlike mtime, no program can set it: the same size and mtime may be different content
    a.ctimeNanoseconds === b.ctimeNanoseconds &&
    a.mode === b.mode
  );
}
