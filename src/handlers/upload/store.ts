/**
 * The folder that uploads go to: its descriptor, the files on their way into it, and what is there already. Everything is
 * reached from that descriptor and nothing leaves the folder, whatever links are in it.
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

/** How long (ms) the folder is believed to be the one that was opened. */
const VALID = 1000;
const NEW = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW;

/** A file, and the name it is to get. */
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
    /** Absolute. */
    readonly path: string,
    symlinks: Settings["symlinks"],
  ) {
    this.kernel = services.kernel;
    this.roots = new RootFolders(services.kernel);
    this.links = changing(symlinks);
  }

  /** Removes what servers that died left unfinished. */
  start(): void {
    const staging = this.staging(false);
    if (staging === null || staging instanceof Failure) return;
    if (!this.services.stores.claimCleaning(staging.identity)) return;
    const removed = staging.removeLeftovers();
    if (removed > 0) this.services.log("notice", `${removed} unfinished uploads removed in "${this.path}"`);
  }

  /** Gives the descriptors back; files that are still coming in keep theirs. */
  close(): void {
    this.forget();
    this.roots.close();
  }

  /** The folder itself; the caller's only if retained. */
  folder(): SharedFile | Failure {
    const folder = this.roots.get(this.path, this.services.clock.now, 0);
    return typeof folder === "number" ? storeFailure(folder, `open() upload store "${this.path}"`) : folder;
  }

  /** The staging folder; the caller's only if retained. null: there is none and it is not to be made. */
  staging(make: boolean): Staging | Failure | null {
    const folder = this.folder();
    if (folder instanceof Failure) return folder;
    const { now } = this.services.clock;
    if (this.current !== null && !this.isCurrent(this.current, folder, now)) this.forget();
    if (this.current !== null) return this.current;
    const opened = openStaging(this.services, folder, make);
    if (opened === -ERRNO.ENOENT && !make) return null;
    if (typeof opened === "number") return storeFailure(opened, `open() "${this.path}/${STAGING}"`);
    this.checkedAt = now;
    return (this.current = opened);
  }

  /** A new empty file in the staging folder; under `name` (of a resumable upload) it survives this process. */
  stage(name?: string): StagedFile | Failure {
    const first = this.tryToStage(name);
    if (first !== -ERRNO.ENOENT) return this.told(first);
    this.close(); // somebody removed the staging folder, or replaced the store: both are opened anew
    return this.told(this.tryToStage(name));
  }

  /**
   * Opens a file that was left in the staging folder (`pause`) to write on at its end, for as long alone as it is open (flock).
   * -errno, -ENOENT: there is none; -EAGAIN: it is open elsewhere.
   */
  reopen(name: string): StagedFile | Failure | number {
    const staging = this.staging(false);
    if (staging === null) return -ERRNO.ENOENT;
    if (staging instanceof Failure) return staging;
    const fd = this.kernel.openBeneath(staging.fd, name, O_WRONLY | O_APPEND | O_NOFOLLOW, 0, "deny");
    if (fd < 0) return fd;
    const status = new FileStatus();
    let n = this.kernel.flock(fd);
    if (n >= 0) n = staging.find(name, fd); // whoever had it locked may have moved it to its place, or removed it
    if (n >= 0) n = this.kernel.fstat(fd, status);
    if (n >= 0) return new StagedFile(this.services, staging, name, fd, status.size);
    this.kernel.close(fd);
    return n;
  }

  /** Why nothing can be stored in a folder of the store; null: it is there. */
  lacks(folders: readonly string[]): Failure | null {
    const folder = this.folder();
    if (folder instanceof Failure) return folder;
    const destination = this.open(folder, folders, false);
    if (destination instanceof Failure) return destination;
    destination.close();
    return null;
  }

  /**
   * Lets files appear in a folder of the store, which `make` makes if it is missing: all of them or none, but for files that
   * were replaced already, which stay as new. Those that did not appear are still staged.
   */
  appear(
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

  /** What is at `path` (relative, not empty), links followed as far as they may be: 0 and `into`, or -errno. */
  look(path: string, into: FileStatus): number | Failure {
    const folder = this.folder();
    if (folder instanceof Failure) return folder;
    return statWithin(this.kernel, folder.fd, path, this.links, into);
  }

  /** @param staging of files that are to go there: if it is gone, with them, then so is the store */
  private open(store: SharedFile, folders: readonly string[], make: boolean, staging?: Staging): Destination | Failure {
    const opened = openDestination(this.kernel, store, folders, this.links, make);
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
    return fd < 0 ? fd : new StagedFile(this.services, staging, given, fd, 0);
  }

  private told(staged: StagedFile | Failure | number): StagedFile | Failure {
    return typeof staged === "number" ? storeFailure(staged, `open() a file in "${this.path}/${STAGING}"`) : staged;
  }

  private forget(): void {
    this.current?.release();
    this.current = null;
  }
}
