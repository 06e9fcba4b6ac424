/** Reads the files of a configuration through the Kernel, resolves `include` patterns, and checks files and folders it names. */
import {
  AT_FDCWD,
  directoryEntries,
  O_DIRECTORY,
  O_PATH,
  O_RDONLY,
  O_TMPFILE,
  O_WRONLY,
  S_IFDIR,
  S_IFMT,
  S_IFREG,
} from "../../ffi/abi.ts";
import { ERRNO, errnoText } from "../../ffi/errno.ts";
import { hostname } from "../../ffi/hostname.ts";
import type { Kernel } from "../../ffi/kernel.ts";
import { FileStatus } from "../../ffi/kernel.ts";
import { Block } from "../../ffi/memory.ts";
import { decodeName } from "../../ffi/text.ts";
import type { Position } from "./parts.ts";
import { collapse, componentPattern, folderOf, join } from "./paths.ts";
import { stockFile } from "./text/stock.ts";

/** The part of the Kernel that reading a configuration needs. */
export type FileKernel = Pick<Kernel, "open" | "close" | "read" | "fstat" | "getdents" | "readlink">;

/** A file's text, or why it cannot be read; `at`: the place in the file, if the reason is there. */
type Text =
  | { readonly error: null; readonly text: string }
  | { readonly error: string; readonly at: Position | null; readonly text: "" };

/** Marks the names of files that are part of the program. */
const BUILT_IN = "built-in:";
const MAX_FILE_SIZE = 16 * 1024 * 1024;
const MAX_FILES = 10_000;
const ANYONE_EXECUTES = 0o111;
const CHUNK = 64 * 1024;
/** Its number in capabilities(7). */
const CAP_NET_BIND_SERVICE = 10n;
const UNWRITABLE: readonly number[] = [ERRNO.EACCES, ERRNO.EPERM, ERRNO.EROFS];

export class Sources {
  /** Every file read so far, in order, without repeats. */
  readonly files: { readonly name: string; readonly text: string }[] = [];
  private readonly block = new Block(CHUNK);
  private readonly folder: string;
  private reads = 0;

  /**
   * @param main the main file; `include` is relative to its folder
   * @param searchPath the folders of programs, in the form of PATH
   */
  constructor(
    private readonly kernel: FileKernel,
    main: string,
    private readonly searchPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
  ) {
    this.folder = folderOf(main);
  }

  /** The name of the machine; "" if it is unknown. */
  hostname(): string {
    return hostname(this.kernel);
  }

  /** The text of a file, without a byte order mark. */
  read(name: string): Text {
    if (++this.reads > MAX_FILES) return failure(`more than ${MAX_FILES} files`);
    const bytes = this.readBytes(name);
    if (typeof bytes === "string") return failure(bytes);
    const zero = bytes.indexOf(0);
    if (zero !== -1) return failure("not a text file (NUL byte)", placeOf(bytes, zero, name));
    const text = decodeName(bytes, 0, bytes.length); // other bytes are kept: Latin-1 in a comment, or a path whose name is not UTF-8
    const plain = text.startsWith("\ufeff") ? text.slice(1) : text;
    if (!this.files.some((file) => file.name === name)) this.files.push({ name, text: plain });
    return { error: null, text: plain };
  }

  /** The files that an include names: one file (nginx's own are built in, if there is none), or all that match its pattern, sorted. */
  resolve(pattern: string): string[] {
    const path = join(this.folder, pattern);
    if (!/[*?[]/.test(pattern))
      return stockFile(pattern) !== undefined && this.isMissing(path) ? [BUILT_IN + pattern] : [path];
    const parts = pattern.split("/");
    let found = [pattern.startsWith("/") ? "/" : this.folder];
    for (const [i, part] of parts.entries()) {
      if (part === "") continue;
      found = found.flatMap((folder) => this.children(folder, part, i === parts.length - 1));
    }
    return found.sort((a, b) => (a < b ? -1 : 1));
  }

  /** The absolute path of a file that is named relative to the main file's folder. */
  beside(path: string): string {
    const folder = this.folder.startsWith("/") ? this.folder : join(this.workingFolder(), this.folder);
    return collapse(join(folder, path));
  }

  /** The bytes of a file, or why it cannot be read. */
  bytesOf(path: string): Buffer | string {
    return this.readBytes(path);
  }

  /** The permission bits of a file; 0 if there is none. */
  modeOf(path: string): number {
    const status = new FileStatus();
    return this.inspect(path, status) < 0 ? 0 : status.mode;
  }

  /** The process' working folder; "" when the system does not report it. */
  workingFolder(): string {
    const into = [""];
    return this.kernel.readlink(AT_FDCWD, "/proc/self/cwd", into) < 0 ? "" : into[0]!;
  }

  /** Why a folder cannot be served (with `orFile`, a file is accepted too); null: it can. `missing` tells whether it does not exist. */
  folderProblem(path: string, orFile: boolean): { readonly missing: boolean; readonly text: string } | null {
    const inside = path.endsWith("/") ? `${path}.` : `${path}/.`; // opening this needs permission to search the folder, as serving does
    let fd = this.kernel.open(inside, O_PATH | O_DIRECTORY, 0);
    if (fd === -ERRNO.ENOTDIR && orFile) fd = this.kernel.open(path, O_PATH, 0);
    if (fd >= 0) this.kernel.close(fd);
    else if (fd === -ERRNO.ENOENT) return { missing: true, text: "does not exist" };
    else if (fd === -ERRNO.ENOTDIR) return { missing: false, text: "is not a folder" };
    else return { missing: false, text: `cannot be opened (${errnoText(fd)})` };
    return null;
  }

  /** Why a path cannot be a regular file, existing or to be made; null: it can. */
  fileProblem(path: string): string | null {
    const status = new FileStatus();
    const n = this.inspect(path, status);
    if (n === -ERRNO.ENOENT) return null;
    if (n < 0) return `cannot be opened (${errnoText(n)})`;
    if ((status.mode & S_IFMT) === S_IFDIR) return "is a folder, not a file";
    return (status.mode & S_IFMT) === S_IFREG ? null : "is not a regular file";
  }

  /** Whether nothing exists at a path; false also when that is unknown. */
  isMissing(path: string): boolean {
    return !this.exists(path);
  }

  /** Whether this process may bind a port (capabilities(7), CAP_NET_BIND_SERVICE; ip_unprivileged_port_start). */
  mayBind(port: number): boolean {
    const start = Number(this.systemText("/proc/sys/net/ipv4/ip_unprivileged_port_start") || 1024);
    const effective = /^CapEff:\s*([0-9a-f]+)/m.exec(this.systemText("/proc/self/status"))?.[1] ?? "0";
    return port >= start || (BigInt(`0x${effective}`) >> CAP_NET_BIND_SERVICE) % 2n === 1n;
  }

  /** The text of a file in /proc; "" when it cannot be read. */
  private systemText(path: string): string {
    const fd = this.kernel.open(path, O_RDONLY, 0);
    if (fd < 0) return "";
    const n = this.kernel.read(fd, this.block, 0, CHUNK, -1);
    this.kernel.close(fd);
    return n < 0 ? "" : this.block.bytes.latin1Slice(0, n);
  }

  /** Why files cannot be created in an existing folder; null: they can, or it is unknown. */
  writeProblem(path: string): string | null {
    const fd = this.kernel.open(path, O_TMPFILE | O_WRONLY, 0o600);
    if (fd >= 0) this.kernel.close(fd);
    return UNWRITABLE.includes(-fd) ? `cannot be written to (${errnoText(fd)})` : null;
  }

  /** The path with symbolic links resolved; a path that does not exist stays as written. */
  realPath(path: string): string {
    const fd = this.kernel.open(path, O_PATH, 0);
    if (fd < 0) return collapse(path);
    const into = [""];
    const n = this.kernel.readlink(AT_FDCWD, `/proc/self/fd/${fd}`, into);
    this.kernel.close(fd);
    return n < 0 ? collapse(path) : into[0]!;
  }

  /** Whether two paths lead to the same folder, with links resolved. */
  isSameFolder(one: string, other: string): boolean {
    const identity = this.identity(one);
    return collapse(one) === collapse(other) || (identity !== null && identity === this.identity(other));
  }

  /**
   * The absolute path of a program. A name without a slash is looked up in the search path; then, as any path, relative to
   * `prefix`. Null and the reason when it is not found.
   */
  findProgram(
    name: string,
    prefix: string,
  ): { readonly path: string } | { readonly path: null; readonly problem: string } {
    const folders = name.includes("/") ? [] : this.searchPath.split(":").filter((folder) => folder.startsWith("/"));
    for (const folder of folders) {
      const path = join(folder, name);
      if (this.programProblem(path) === null) return { path };
    }
    const path = join(prefix, name);
    const problem = this.programProblem(path);
    if (problem === null) return { path };
    const missing = name.includes("/") ? "does not exist" : `was not found in PATH (${this.searchPath})`;
    return { path: null, problem: problem === "" ? missing : problem };
  }

  /** Why a file cannot be executed; "": it does not exist; null: it can. */
  private programProblem(path: string): string | null {
    const status = new FileStatus();
    const n = this.inspect(path, status);
    if (n === -ERRNO.ENOENT) return "";
    if (n < 0) return `cannot be opened (${errnoText(n)})`;
    if ((status.mode & S_IFMT) === S_IFDIR) return "is a folder, not a program";
    return (status.mode & S_IFMT) === S_IFREG && status.mode & ANYONE_EXECUTES ? null : "is not executable";
  }

  /** Writes the status of a path into `into`, links followed. 0 or -errno. */
  private inspect(path: string, into: FileStatus): number {
    const fd = this.kernel.open(path, O_PATH, 0);
    if (fd < 0) return fd;
    const n = this.kernel.fstat(fd, into);
    this.kernel.close(fd);
    return n;
  }

  private identity(path: string): string | null {
    const status = new FileStatus();
    const fd = this.kernel.open(path, O_PATH | O_DIRECTORY, 0);
    if (fd < 0) return null;
    const n = this.kernel.fstat(fd, status);
    this.kernel.close(fd);
    return n < 0 ? null : `${status.device}:${status.inode}`;
  }

  private children(folder: string, part: string, last: boolean): string[] {
    const regex = componentPattern(part);
    const names = regex === null ? [part] : this.list(folder).filter((name) => regex.test(name));
    const paths = names.map((name) => join(folder, name));
    return last && regex === null ? paths.filter((path) => this.exists(path)) : paths;
  }

  private exists(path: string): boolean {
    const fd = this.kernel.open(path, O_RDONLY, 0);
    if (fd >= 0) this.kernel.close(fd);
    return fd !== -ERRNO.ENOENT && fd !== -ERRNO.ENOTDIR;
  }

  /** The names in a folder; none when it cannot be read, as in glob(3). */
  private list(folder: string): string[] {
    const fd = this.kernel.open(folder === "" ? "." : folder, O_RDONLY | O_DIRECTORY, 0);
    if (fd < 0) return [];
    const names: string[] = [];
    for (let n = this.kernel.getdents(fd, this.block); n > 0; n = this.kernel.getdents(fd, this.block)) {
      for (const entry of directoryEntries(this.block, n)) names.push(entry.name);
    }
    this.kernel.close(fd);
    return names;
  }

  private readBytes(name: string): Buffer | string {
    if (name.startsWith(BUILT_IN)) return Buffer.from(stockFile(name.slice(BUILT_IN.length)) ?? "");
    const fd = this.kernel.open(name, O_RDONLY, 0);
    if (fd < 0) return `cannot open (${errnoText(fd)})`;
    const result = this.readOpen(fd);
    this.kernel.close(fd);
    return result;
  }

  private readOpen(fd: number): Buffer | string {
    const status = new FileStatus();
    const error = this.kernel.fstat(fd, status);
    if (error < 0) return `cannot read (${errnoText(error)})`;
    if ((status.mode & S_IFMT) === S_IFDIR) return "is a folder, not a file";
    if ((status.mode & S_IFMT) !== S_IFREG) return "is not a regular file";
    const pieces: Buffer[] = [];
    for (let size = 0; ; ) {
      const n = this.kernel.read(fd, this.block, 0, CHUNK, -1);
      if (n < 0) return `cannot read (${errnoText(n)})`;
      if (n === 0) return Buffer.concat(pieces);
      if ((size += n) > MAX_FILE_SIZE) return `is larger than ${MAX_FILE_SIZE} bytes`;
      pieces.push(Buffer.from(this.block.bytes.subarray(0, n)));
    }
  }
}

function failure(error: string, at: Position | null = null): Text {
  return { error, at, text: "" };
}

/** Line and column of a byte offset. */
function placeOf(bytes: Buffer, offset: number, file: string): Position {
  const before = decodeName(bytes, 0, offset).split("\n");
  return { file, line: before.length, column: [...before.at(-1)!].length + 1 };
}
