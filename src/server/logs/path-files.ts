/** Files of logs with variables in their path. They are opened when there is something to write; `open_log_file_cache` keeps some of them open. */
import { O_APPEND, O_CREAT, O_DIRECTORY, O_PATH, O_WRONLY } from "../../../ffi/abi.ts";
import { FileStatus, type Kernel } from "../../../ffi/kernel.ts";
import type { OpenLogFileCache } from "../../config/settings/logs.ts";

/** Where a file is: the path consists of both. */
export interface FilePlace {
  /** The folder that the configuration names, with its slash. The file is beneath it whatever the variables say. */
  readonly folder: string;
  /** Relative to it. */
  readonly name: string;
}

/** Opens a file for appending, and creates it if needed. -EXDEV: a link leads out of the folder. */
export function openBeneath(kernel: Kernel, { folder, name }: FilePlace): number {
  const directory = kernel.open(folder, O_PATH | O_DIRECTORY, 0);
  if (directory < 0) return directory;
  const fd = kernel.openBeneath(directory, name, O_WRONLY | O_APPEND | O_CREAT, 0o644, "inside");
  kernel.close(directory);
  return fd;
}

interface Entry {
  /** -1: used too seldom to stay open. */
  fd: number;
  uses: number;
  /** Of the last use, and of the last look at the path, monotonic ms. */
  used: number;
  checked: number;
}

const status = new FileStatus();

/** The open files of one `open_log_file_cache`. */
export class PathFiles {
  /** By path; those used last are at the end. */
  private readonly entries = new Map<string, Entry>();

  constructor(
    private readonly kernel: Kernel,
    private readonly settings: OpenLogFileCache,
  ) {}

  /** The descriptor of a file, or -errno. The caller gives it back by `done`. */
  take(place: FilePlace, now: number): number {
    const path = place.folder + place.name;
    const entry = this.entries.get(path) ?? { fd: -1, uses: 0, used: now, checked: now };
    if (entry.fd >= 0 && now - entry.checked >= this.settings.valid) this.check(entry, path, now);
    if (entry.fd < 0) {
      const fd = openBeneath(this.kernel, place);
      if (fd < 0) return fd;
      entry.fd = fd;
      entry.checked = now;
    }
    entry.uses++;
    entry.used = now;
    this.entries.delete(path);
    this.entries.set(path, entry);
    return entry.fd;
  }

  /** Closes the file if it is used too seldom, and others that are too many. */
  done({ folder, name }: FilePlace): void {
    const { max, minUses } = this.settings;
    const entry = this.entries.get(folder + name);
    if (entry !== undefined && entry.uses < minUses) this.closeFile(entry);
    for (const [path, oldest] of this.entries) {
      if (this.entries.size <= max) break;
      this.remove(path, oldest);
    }
  }

  /** Closes the file if it was moved or removed. */
  private check(entry: Entry, path: string, now: number): void {
    entry.checked = now;
    const { kernel } = this;
    const known = kernel.fstat(entry.fd, status) < 0 ? "" : `${status.device}:${status.inode}`;
    const found = kernel.stat(path, status) < 0 ? "none" : `${status.device}:${status.inode}`;
    if (known !== found) this.closeFile(entry);
  }

  /** Closes what was not used for `inactive`. */
  sweep(now: number): void {
    for (const [path, entry] of this.entries) {
      if (now - entry.used <= this.settings.inactive) return;
      this.remove(path, entry);
    }
  }

  *descriptors(): Iterable<number> {
    for (const { fd } of this.entries.values()) if (fd >= 0) yield fd;
  }

  close(): void {
    for (const [path, entry] of this.entries) this.remove(path, entry);
  }

  private remove(path: string, entry: Entry): void {
    this.closeFile(entry);
    this.entries.delete(path);
  }

  private closeFile(entry: Entry): void {
    if (entry.fd >= 0) this.kernel.close(entry.fd);
    entry.fd = -1;
  }
}
