/** The files a configuration consists of, read through the Kernel: their text, their order, and the globs of `include`. */
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
import type { Kernel } from "../../ffi/kernel.ts";
import { FileStatus } from "../../ffi/kernel.ts";
import { Block } from "../../ffi/memory.ts";
import { decodeName } from "../../ffi/text.ts";
import type { Position } from "./parts.ts";
import { collapse, componentPattern, folderOf, join } from "./paths.ts";

/** What reading a configuration needs of the Kernel. */
export type FileKernel = Pick<Kernel, "open" | "close" | "read" | "fstat" | "getdents" | "readlink">;

/** A file's text, or why there is none; `at`: where in the file, when that is the reason. */
export type Text =
  | { readonly error: null; readonly text: string }
  | { readonly error: string; readonly at: Position | null; readonly text: "" };

const MAX_FILE_SIZE = 16 * 1024 * 1024;
const MAX_FILES = 10_000;
const ANYONE_EXECUTES = 0o111;
const CHUNK = 64 * 1024;
/** Its number among the capabilities. */
const CAP_NET_BIND_SERVICE = 10n;
const UNWRITABLE: readonly number[] = [ERRNO.EACCES, ERRNO.EPERM, ERRNO.EROFS];

export class Sources {
  /** Every file read so far, in order, each once. */
  readonly files: { readonly name: string; readonly text: string }[] = [];
  private readonly block = new Block(CHUNK);
  private readonly folder: string;
  private reads = 0;

  /**
   * @param main the main file: `include` is relative to its folder
   * @param searchPath the folders of programs, as PATH has them
   */
  constructor(
    private readonly kernel: FileKernel,
    main: string,
    private readonly searchPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
  ) {
    this.folder = folderOf(main);
  }

  /** The text of a file, without a byte order mark. */
  read(name: string): Text {
    if (++this.reads > MAX_FILES) return failure(`more than ${MAX_FILES} files`);
    const bytes = this.readBytes(name);
    if (typeof bytes === "string") return failure(bytes);
    const zero = bytes.indexOf(0);
    if (zero !== -1) return failure("not a text file (NUL byte)", placeOf(bytes, zero, name));
    const text = decodeName(bytes, 0, bytes.length); // bytes that are not UTF-8 are kept: Latin-1 in a comment, a path that is a folder's very name
    const plain = text.startsWith("\ufeff") ? text.slice(1) : text;
    if (!this.files.some((file) => file.name === name)) this.files.push({ name, text: plain });
    return { error: null, text: plain };
  }

  /** What an include names: the one file, or all that match its pattern, sorted. */
  resolve(pattern: string): string[] {
    const path = join(this.folder, pattern);
    if (!/[*?[]/.test(pattern)) return [path];
    const parts = pattern.split("/");
    let found = [pattern.startsWith("/") ? "/" : this.folder];
    for (const [i, part] of parts.entries()) {
      if (part === "") continue;
      found = found.flatMap((folder) => this.children(folder, part, i === parts.length - 1));
    }
    return found.sort((a, b) => (a < b ? -1 : 1));
  }

  /** The process' working folder; "" when the system does not tell. */
  workingFolder(): string {
    const into = [""];
    return this.kernel.readlink(AT_FDCWD, "/proc/self/cwd", into) < 0 ? "" : into[0]!;
  }

  /** What is wrong with a folder to serve (with `orFile`, a file will do too); null: nothing. Missing is told apart. */
  folderProblem(path: string, orFile: boolean): { readonly missing: boolean; readonly text: string } | null {
    const inside = path.endsWith("/") ? `${path}.` : `${path}/.`; // needs the right to search the folder, as serving does
    let fd = this.kernel.open(inside, O_PATH | O_DIRECTORY, 0);
    if (fd === -ERRNO.ENOTDIR && orFile) fd = this.kernel.open(path, O_PATH, 0);
    if (fd >= 0) this.kernel.close(fd);
    else if (fd === -ERRNO.ENOENT) return { missing: true, text: "does not exist" };
    else if (fd === -ERRNO.ENOTDIR) return { missing: false, text: "is not a folder" };
    else return { missing: false, text: `cannot be opened (${errnoText(fd)})` };
    return null;
  }

  /** What keeps a path from being that of a regular file, there or to be made; null: nothing. */
  fileProblem(path: string): string | null {
    const status = new FileStatus();
    const n = this.inspect(path, status);
    if (n === -ERRNO.ENOENT) return null;
    if (n < 0) return `cannot be opened (${errnoText(n)})`;
    if ((status.mode & S_IFMT) === S_IFDIR) return "is a folder, not a file";
    return (status.mode & S_IFMT) === S_IFREG ? null : "is not a regular file";
  }

  /** Whether nothing is at a path; not if that cannot be told. */
  isMissing(path: string): boolean {
    return !this.exists(path);
  }

  /** Whether this process may bind a port (capabilities(7), CAP_NET_BIND_SERVICE; ip_unprivileged_port_start). */
  mayBind(port: number): boolean {
    const start = Number(this.systemText("/proc/sys/net/ipv4/ip_unprivileged_port_start") || 1024);
    const effective = /^CapEff:\s*([0-9a-f]+)/m.exec(this.systemText("/proc/self/status"))?.[1] ?? "0";
    return port >= start || (BigInt(`0x${effective}`) >> CAP_NET_BIND_SERVICE) % 2n === 1n;
  }

  /** What the kernel tells in a file of /proc; "" where it does not. */
  private systemText(path: string): string {
    const fd = this.kernel.open(path, O_RDONLY, 0);
    if (fd < 0) return "";
    const n = this.kernel.read(fd, this.block, 0, CHUNK, -1);
    this.kernel.close(fd);
    return n < 0 ? "" : this.block.bytes.latin1Slice(0, n);
  }

  /** What keeps files from being made in a folder that exists; null: nothing, or it cannot be told. */
  writeProblem(path: string): string | null {
    const fd = this.kernel.open(path, O_TMPFILE | O_WRONLY, 0o600);
    if (fd >= 0) this.kernel.close(fd);
    return UNWRITABLE.includes(-fd) ? `cannot be written to (${errnoText(fd)})` : null;
  }

  /** Where a path really leads, links followed; what does not exist, as it is written. */
  realPath(path: string): string {
    const fd = this.kernel.open(path, O_PATH, 0);
    if (fd < 0) return collapse(path);
    const into = [""];
    const n = this.kernel.readlink(AT_FDCWD, `/proc/self/fd/${fd}`, into);
    this.kernel.close(fd);
    return n < 0 ? collapse(path) : into[0]!;
  }

  /** Whether two paths lead to the same folder, links followed. */
  isSameFolder(one: string, other: string): boolean {
    const identity = this.identity(one);
    return collapse(one) === collapse(other) || (identity !== null && identity === this.identity(other));
  }

  /**
   * The absolute path of a program: a name alone is looked for in the search path, then, as anything with a slash, from `prefix` on.
   * null: there is none, and why.
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

  /** What keeps a file from being executed; "": it does not exist; null: nothing. */
  private programProblem(path: string): string | null {
    const status = new FileStatus();
    const n = this.inspect(path, status);
    if (n === -ERRNO.ENOENT) return "";
    if (n < 0) return `cannot be opened (${errnoText(n)})`;
    if ((status.mode & S_IFMT) === S_IFDIR) return "is a folder, not a program";
    return (status.mode & S_IFMT) === S_IFREG && status.mode & ANYONE_EXECUTES ? null : "is not executable";
  }

  /** The status of what a path leads to; -errno. */
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

  /** The names in a folder; none when it cannot be read, as glob(3) has it. */
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

/** Line and column of a byte. */
function placeOf(bytes: Buffer, offset: number, file: string): Position {
  const before = decodeName(bytes, 0, offset).split("\n");
  return { file, line: before.length, column: [...before.at(-1)!].length + 1 };
}
