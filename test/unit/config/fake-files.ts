/** Files in memory behind the few calls that reading a configuration makes, and short ways to load one. */

import { AT_FDCWD, DIRENT64, O_DIRECTORY, O_TMPFILE, S_IFDIR, S_IFIFO, S_IFREG } from "../../../ffi/abi.ts";
import { ERRNO } from "../../../ffi/errno.ts";
import type { FileKernel } from "../../../src/config/files.ts";
import type { Loaded, LoadOptions } from "../../../src/config/load.ts";
import { formatDiagnostic, loadConfig } from "../../../src/config/load.ts";
import type { Config, Location, Settings } from "../../../src/config/model.ts";
import { collapse, join } from "../../../src/config/paths.ts";
import { VARIABLES } from "../../../src/exchange/variables/variables.ts";

/** A file's bytes or text, FOLDER, READ_ONLY (a folder), FIFO, PROGRAM (a file that can be executed), or the errno that opening it gives. */
export type Entry = string | Buffer | typeof FOLDER | typeof READ_ONLY | typeof FIFO | typeof PROGRAM | number;
export const FOLDER = Symbol("folder");
export const READ_ONLY = Symbol("folder of a read-only file system");
export const FIFO = Symbol("fifo");
export const PROGRAM = Symbol("program");

/** Where relative paths start. */
export const WORKING_FOLDER = "/work";

interface Open {
  readonly path: string;
  readonly bytes: Buffer;
  position: number;
}

/** A kernel with these files; names are relative to WORKING_FOLDER. Folders of files exist by themselves. */
export class FakeFiles implements FileKernel {
  private readonly entries = new Map<string, Entry>();
  private readonly descriptors = new Map<number, Open>();
  private next = 3;

  constructor(files: Readonly<Record<string, Entry>>) {
    for (const [name, entry] of Object.entries(files)) {
      const path = collapse(join(WORKING_FOLDER, name));
      for (let at = path.indexOf("/", 1); at !== -1; at = path.indexOf("/", at + 1)) {
        this.entries.set(path.slice(0, at), FOLDER);
      }
      this.entries.set(path, entry);
    }
  }

  /** How many descriptors are open: 0 when whoever used this kernel is done. */
  get openCount(): number {
    return this.descriptors.size;
  }

  open(name: string, flags: number): number {
    const path = collapse(join(WORKING_FOLDER, name));
    const entry = path === "/" ? FOLDER : this.entries.get(path);
    if (entry === undefined) return -ERRNO.ENOENT;
    if (typeof entry === "number") return -entry;
    if (entry === READ_ONLY && (flags & O_TMPFILE) === O_TMPFILE) return -ERRNO.EROFS;
    if (entry !== FOLDER && entry !== READ_ONLY && (flags & O_DIRECTORY || /\/\.?$/.test(name))) return -ERRNO.ENOTDIR;
    this.descriptors.set(this.next, {
      path,
      bytes: Buffer.from(typeof entry === "symbol" ? "" : (entry as string)),
      position: 0,
    });
    return this.next++;
  }

  close(fd: number): number {
    if (!this.descriptors.delete(fd)) throw new Error(`close of ${fd}, which is not open`);
    return 0;
  }

  fstat(fd: number, into: { mode: number; size: number; inode: number }): number {
    const entry = this.entryOf(fd);
    into.mode = MODES.get(entry) ?? S_IFREG | 0o644;
    into.size = this.descriptors.get(fd)!.bytes.length;
    into.inode = [...this.entries.keys()].indexOf(this.descriptors.get(fd)!.path);
    return 0;
  }

  /** Reads at most 1,000 bytes at once, so that every longer file comes in pieces. */
  read(fd: number, block: { bytes: Buffer }, offset: number, length: number): number {
    const open = this.descriptors.get(fd)!;
    const n = open.bytes.copy(block.bytes, offset, open.position, open.position + Math.min(length, 1000));
    open.position += n;
    return n;
  }

  /** All entries at once, in an order that is not the alphabet's. */
  getdents(fd: number, block: { bytes: Buffer }): number {
    const open = this.descriptors.get(fd)!;
    if (open.position++ > 0) return 0;
    const inside = [...this.entries.keys()].filter(
      (path) => path.slice(0, path.lastIndexOf("/")) === open.path.replace(/\/$/, ""),
    );
    let at = 0;
    for (const name of [".", "..", ...inside.map((path) => path.slice(path.lastIndexOf("/") + 1)).reverse()]) {
      const length = DIRENT64.name + Buffer.byteLength(name) + 1;
      block.bytes.writeUInt16LE(length, at + DIRENT64.length);
      block.bytes.write(`${name}\0`, at + DIRENT64.name);
      at += length;
    }
    return at;
  }

  readlink(directory: number, name: string, into: string[]): number {
    if (directory !== AT_FDCWD || name !== "/proc/self/cwd") return -ERRNO.ENOENT;
    into[0] = WORKING_FOLDER;
    return WORKING_FOLDER.length;
  }

  private entryOf(fd: number): Entry | undefined {
    const { path } = this.descriptors.get(fd)!;
    return path === "/" ? FOLDER : this.entries.get(path);
  }
}

const MODES: ReadonlyMap<unknown, number> = new Map([
  [FOLDER, S_IFDIR | 0o755],
  [READ_ONLY, S_IFDIR | 0o755],
  [FIFO, S_IFIFO | 0o644],
  [PROGRAM, S_IFREG | 0o755],
]);

export const FILE = "conf/site.conf";

/** Folders that examples of configurations name, so that warnings about them do not hide others. */
const FOLDERS = { html: FOLDER, www: FOLDER } as const;

/** Loads conf/site.conf with this text, beside these other files. */
export function load(
  text: string,
  files: Readonly<Record<string, Entry>> = {},
  options: Partial<LoadOptions> = {},
): Loaded {
  const kernel = new FakeFiles({ ...FOLDERS, ...files, [FILE]: text });
  const loaded = loadConfig({ kernel, variables: VARIABLES, file: FILE, ...options });
  if (kernel.openCount > 0) throw new Error(`${kernel.openCount} descriptors were left open`);
  return loaded;
}

/** Of a server without `listen`: nearly every text here has one, and is about something else. */
const UNSAID = 'this server has no "listen"';

/** Every message about conf/site.conf with this text, formatted, but for that about a server without `listen`. */
export function messages(
  text: string,
  files: Readonly<Record<string, Entry>> = {},
  options: Partial<LoadOptions> = {},
): string[] {
  const { diagnostics } = load(text, files, options);
  return diagnostics.filter(({ message }) => !message.startsWith(UNSAID)).map(formatDiagnostic);
}

/** The Config of this text, which must have no error. */
export function config(
  text: string,
  files: Readonly<Record<string, Entry>> = {},
  options: Partial<LoadOptions> = {},
): Config {
  const loaded = load(text, files, options);
  if (loaded.config === null) throw new Error(loaded.diagnostics.map(formatDiagnostic).join("\n"));
  return loaded.config;
}

/** The settings of the only server of a configuration whose server holds these directives. */
export function settings(directives: string): Settings {
  return config(`server { ${directives} }`).servers[0]!.scope.settings;
}

/** The location with this pattern, nested ones included, of the first server. */
export function location(given: Config, pattern: string): Location {
  const search = (list: readonly Location[]): Location | undefined =>
    list.find((one) => one.pattern === pattern) ??
    list.map((one) => search(one.locations)).find((one) => one !== undefined);
  const found = search(given.servers[0]!.locations);
  if (found === undefined) throw new Error(`no location ${pattern}`);
  return found;
}
