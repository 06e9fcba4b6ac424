/**
 * The folder in which uploads are stored: its descriptor, its unfinished files and its content. Every path is opened relative
 * to the descriptor, and the kernel rejects links that lead out of the folder.
 */
import { O_APPEND, O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } from "../../../ffi/abi.ts";
import { ERRNO } from "../../../ffi/errno.ts";
import { FileStatus, type Kernel, type LinkPolicy } from "../../../ffi/kernel.ts";
import type { Settings } from "../../config/model.ts";
import { STAGING } from "../../config/parts.ts";
import { changing, RootFolders, type SharedFile, statWithin } from "../files/open.ts";
import type { HandlerServices } from "../services.ts";
import { type Destination, openDestination } from "./destination.ts";
import { Failure, failure, storeFailure } from "./failure.ts";
import { type Overwrite, StagedFile, type Stored } from "./staged-file.ts";
import { openStaging, type Staging } from "./staging.ts";

/** How long the open staging folder is used without checking that it still exists, ms. */
const VALID = 1000;
/** Permissions of uploaded files and their folders: everybody may read them, and nobody may execute the files. */
const UPLOAD_MODES: Modes = { file: 0o644, folder: 0o755 };
const NEW = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW;

/** The permissions of files and folders that a store makes. */
interface Modes {
  readonly file: number;
  readonly folder: number;
}

/** A staged file and its future name. */
export interface NamedFile {
  readonly staged: StagedFile;
  readonly name: string;
}

/** The store of one location. */
export class Store {
  private readonly kernel: Kernel;
  private readonly roots: RootFolders;
  private readonly links: LinkPolicy;
  private current: Staging | null = null;
  private checkedAt = 0;

  constructor(
    private readonly services: HandlerServices,
    /** Absolute path. */
    readonly path: string,
    symlinks: Settings["symlinks"],
    private readonly modes = UPLOAD_MODES,
  ) {
    this.kernel = services.kernel;
    this.roots = new RootFolders(services.kernel);
    this.links = changing(symlinks);
  }

  /** Removes unfinished files of dead servers. */
  start(): void {
    const staging = this.staging(false);
    if (staging === null || staging instanceof Failure) return;
    if (!this.services.stores.beginCleanup(staging.identity)) return;
    const removed = staging.removeLeftovers();
    if (removed > 0) this.services.log("notice", `${removed} unfinished uploads removed in "${this.path}"`);
  }

  /** Closes the descriptors. Unfinished files keep theirs. */
  close(): void {
    this.releaseStaging();
    this.roots.close();
  }

  /** The open folder of the store. A caller that stores it must retain it. */
  folder(): SharedFile | Failure {
    const folder = this.roots.get(this.path, this.services.clock.now, 0);
    return typeof folder === "number" ? storeFailure(folder, `open() upload store "${this.path}"`) : folder;
  }

  /** The open staging folder; `make` creates it if it is missing. A caller that stores it must retain it. null: there is none. */
  staging(make: boolean): Staging | Failure | null {
    const folder = this.folder();
    if (folder instanceof Failure) return folder;
    const { now } = this.services.clock;
    if (this.current !== null && !this.isCurrent(this.current, folder, now)) this.releaseStaging();
    if (this.current !== null) return this.current;
    const opened = openStaging(this.services, folder, make);
    if (opened === -ERRNO.ENOENT && !make) return null;
    if (typeof opened === "number") return storeFailure(opened, `open() "${this.path}/${STAGING}"`);
    this.checkedAt = now;
    return (this.current = opened);
  }

  /** Creates an empty file in the staging folder. With `name` (of a resumable upload), the cleanup at the next start does not remove it. */
  stage(name?: string): StagedFile | Failure {
    const first = this.tryToStage(name);
    if (first !== -ERRNO.ENOENT) return this.orFailure(first);
    this.close(); // the staging folder was removed or the store replaced: both are opened again
    return this.orFailure(this.tryToStage(name));
  }

  /**
   * Opens a file that `pause` left in the staging folder, to append to it. Locks it (flock) until it is closed.
   * -ENOENT: there is none; -EAGAIN: another process has it locked; other -errno.
   */
  reopen(name: string): StagedFile | Failure | number {
    const staging = this.staging(false);
    if (staging === null) return -ERRNO.ENOENT;
    if (staging instanceof Failure) return staging;
    const fd = this.kernel.openBeneath(staging.fd, name, O_WRONLY | O_APPEND | O_NOFOLLOW, 0, "deny");
    if (fd < 0) return fd;
    const status = new FileStatus();
    let n = this.kernel.flock(fd);
    if (n >= 0) n = staging.find(name, fd); // the previous holder of the lock may have published or removed it
    if (n >= 0) n = this.kernel.fstat(fd, status);
    if (n >= 0) return new StagedFile(this.services, staging, name, fd, status.size, this.modes.file);
    this.kernel.close(fd);
    return n;
  }

  /** Why nothing can be stored in a folder of the store; null: the folder exists. */
  checkFolder(folders: readonly string[]): Failure | null {
    const destination = this.destination(folders, false);
    if (destination instanceof Failure) return destination;
    destination.close();
    return null;
  }

  /** Opens a folder of the store; `make` creates it if it is missing. The caller closes it. */
  destination(folders: readonly string[], make: boolean): Destination | Failure {
    const folder = this.folder();
    return folder instanceof Failure ? folder : this.open(folder, folders, make);
  }

  /**
   * Publishes files in a folder of the store; `make` creates the folder if it is missing. If one file fails, those already
   * published are removed again, except those that replaced a file: they stay. The failed file and the rest are still staged.
   */
  publish(
    files: readonly NamedFile[],
    folders: readonly string[],
    overwrite: Overwrite,
    make: boolean,
  ): Stored[] | Failure {
    const { staging } = files[0]!.staged;
    const into = this.open(staging.store, folders, make, staging);
    if (into instanceof Failure) return into;
    const stored = this.commitAll(files, into, overwrite);
    if (stored instanceof Failure) into.undo();
    else into.close();
    return stored;
  }

  /** stat of `path` (relative, not empty) into `into`; follows the links that `symlinks` allows. 0 or -errno. */
  stat(path: string, into: FileStatus): number | Failure {
    const folder = this.folder();
    if (folder instanceof Failure) return folder;
    return statWithin(this.kernel, folder.fd, path, this.links, into);
  }

  /** @param staging the files' staging folder; if it is gone, an error is the store's, not the client's */
  private open(store: SharedFile, folders: readonly string[], make: boolean, staging?: Staging): Destination | Failure {
    const opened = openDestination(this.kernel, store, folders, this.links, make ? this.modes.folder : null);
    if (typeof opened !== "number") return opened;
    const what = `open() "${this.path}/${folders.join("/")}"`;
    return staging?.isThere() === false ? storeFailure(opened, what) : failure(opened, what);
  }

  private commitAll(files: readonly NamedFile[], into: Destination, overwrite: Overwrite): Stored[] | Failure {
    const stored: Stored[] = [];
    for (const { staged, name } of files) {
      const one = staged.commit(into, name, overwrite);
      if (typeof one !== "number") {
        stored.push(one);
        continue;
      }
      for (const { name, created } of stored) if (created) this.kernel.unlink(into.fd, name);
      const what = `rename() to "${name}" in "${this.path}"`;
      return one === -ERRNO.ENOENT ? storeFailure(one, what) : failure(one, what);
    }
    return stored;
  }

  private isCurrent(staging: Staging, folder: SharedFile, now: number): boolean {
    if (staging.store !== folder) return false;
    if (now - this.checkedAt < VALID) return true;
    this.checkedAt = now;
    return staging.isThere();
  }

  private tryToStage(name: string | undefined): StagedFile | Failure | number {
    const staging = this.staging(true);
    if (staging instanceof Failure || staging === null) return staging ?? -ERRNO.ENOENT;
    const given = name ?? staging.nextName();
    if (typeof given === "number") return given;
    const fd = this.kernel.openBeneath(staging.fd, given, NEW, 0o600, "deny");
    return fd < 0 ? fd : new StagedFile(this.services, staging, given, fd, 0, this.modes.file);
  }

  private orFailure(staged: StagedFile | Failure | number): StagedFile | Failure {
    return typeof staged === "number" ? storeFailure(staged, `open() a file in "${this.path}/${STAGING}"`) : staged;
  }

  private releaseStaging(): void {
    this.current?.release();
    this.current = null;
  }
}
