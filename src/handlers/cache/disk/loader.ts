/**
 * Reads back the names and sizes of entries after a start, a small portion in each turn of the loop, and removes what a dead server
 * left unfinished. The entries themselves are read when they are asked for.
 */
import { directoryEntries, O_DIRECTORY, O_PATH, O_RDONLY, S_IFMT, S_IFREG } from "../../../../ffi/abi.ts";
import { FileStatus, type Kernel } from "../../../../ffi/kernel.ts";
import { Block } from "../../../../ffi/memory.ts";
import { type CacheFolder, IS_UNFINISHED } from "./folder.ts";
import { IS_NAME, pathOf } from "./key.ts";

const LISTING = 32 * 1024;

export class Loader {
  /** Folders that are still to be listed, and files to be looked at: paths beneath the cache's folder. */
  private readonly folders: string[] = [""];
  private readonly files: string[] = [];
  private readonly status = new FileStatus();

  /** @param found is told of each entry's file: its name and size */
  constructor(
    private readonly kernel: Kernel,
    private readonly folder: CacheFolder,
    private readonly found: (name: string, size: number) => void,
  ) {}

  /** Looks at `most` files at most, until the kernel's clock (monotonic ms) shows `until`. False: everything is read. */
  step(most: number, until: number): boolean {
    for (let i = 0; i < most; i++) {
      const file = this.files.pop();
      if (file !== undefined) this.look(file);
      else if (!this.listNext()) return false;
      if (this.kernel.monotonic() >= until) break;
    }
    return this.files.length > 0 || this.folders.length > 0;
  }

  private look(path: string): void {
    const name = path.slice(path.lastIndexOf("/") + 1);
    if (path !== pathOf(name, this.folder.levels)) return;
    const fd = this.folder.examine(path, O_PATH);
    if (fd < 0) return;
    const { status } = this;
    const isFile = this.kernel.fstat(fd, status) >= 0 && (status.mode & S_IFMT) === S_IFREG;
    this.kernel.close(fd);
    if (isFile) this.found(name, status.size);
  }

  /** Lists the next folder. False: there is none. */
  private listNext(): boolean {
    const path = this.folders.pop();
    if (path === undefined) return false;
    const fd = this.folder.examine(path === "" ? "." : path, O_RDONLY | O_DIRECTORY);
    if (fd < 0) return true;
    const block = new Block(LISTING);
    for (let n = this.kernel.getdents(fd, block); n > 0; n = this.kernel.getdents(fd, block)) {
      for (const { name } of directoryEntries(block, n)) this.sort(path, name);
    }
    this.kernel.close(fd);
    return true;
  }

  private sort(folder: string, name: string): void {
    const { levels } = this.folder;
    const depth = folder === "" ? 0 : folder.split("/").length;
    const path = folder === "" ? name : `${folder}/${name}`;
    if (depth < levels.length) {
      if (name.length === levels[depth] && /^[0-9a-f]+$/.test(name)) this.folders.push(path);
    } else if (IS_NAME.test(name)) this.files.push(path);
    if (depth === 0 && IS_UNFINISHED.test(name) && !this.folder.mayBeOurs(name)) this.folder.remove(name);
  }
}
