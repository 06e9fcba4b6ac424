/** Changes a password file atomically: other programs see the file either before or after the change. */
import { AT_FDCWD, O_CREAT, O_DIRECTORY, O_EXCL, O_RDONLY, O_WRONLY } from "../../ffi/abi.ts";
import { ERRNO, errnoText } from "../../ffi/errno.ts";
import { FileStatus, type Kernel } from "../../ffi/kernel.ts";
import { Block } from "../../ffi/memory.ts";

/** Mode of a new file: the server may run as another user of the same group. */
const NEW_MODE = 0o640;
/** Most bytes that the server reads. */
const MOST_BYTES = 1 << 20;
/** How often a lock held by another process is tried, and the interval in ms. */
const TRIES = 200;
const BETWEEN_TRIES = 50;

/** A failed system call, with its message. */
class Failure extends Error {
  constructor(call: string, path: string, error: number) {
    super(`${call}() "${path}" failed (${errnoText(error)})`);
  }
}

/**
 * Replaces or adds the line of `user` in the text of a password file.
 * @param text octets @param line without its line end; null removes the user @returns null: there was nothing to remove
 */
export function withEntry(text: string, user: string, line: string | null): string | null {
  const lines = text.split("\n");
  if (lines.at(-1) === "") lines.pop();
  const first = lines.findIndex((other) => other.startsWith(`${user}:`));
  if (first < 0 && line === null) return null;
  // Further lines of the user are removed as well: if only the first were removed, the next would become valid.
  const kept = lines.flatMap((other, i) => {
    if (!other.startsWith(`${user}:`)) return [other];
    return i === first && line !== null ? [line] : [];
  });
  if (first < 0) kept.push(line!);
  return kept.map((other) => `${other}\n`).join("");
}

/**
 * Makes or changes a password file. `edit` gets its octets ("" if it does not exist) and gives the new ones, or null for no change.
 * The file keeps its owner and mode. Gives "" or what went wrong.
 */
export function changePasswordFile(kernel: Kernel, path: string, edit: (text: string) => string | null): string {
  const opened: number[] = [];
  const open = (name: string, flags: number, mode = 0): number => {
    const fd = kernel.open(name, flags, mode);
    if (fd >= 0) opened.push(fd);
    return fd;
  };
  try {
    return change(kernel, realPath(kernel, path, open), open, edit);
  } catch (error) {
    if (error instanceof Failure) return error.message;
    throw error;
  } finally {
    for (const fd of opened) kernel.close(fd);
  }
}

type Open = (name: string, flags: number, mode?: number) => number;

/** The path with a symbolic link resolved, so that a link to the file stays a link. */
function realPath(kernel: Kernel, path: string, open: Open): string {
  const fd = open(path, O_RDONLY);
  if (fd === -ERRNO.ENOENT) return path;
  if (fd < 0) throw new Failure("open", path, fd);
  const target: string[] = [];
  const n = kernel.readlink(AT_FDCWD, `/proc/self/fd/${fd}`, target);
  return n < 0 ? path : target[0]!;
}

function change(kernel: Kernel, path: string, open: Open, edit: (text: string) => string | null): string {
  lockFolder(kernel, path.replace(/[^/]*$/, "") || ".", open);
  const status = new FileStatus();
  const fd = open(path, O_RDONLY);
  if (fd < 0 && fd !== -ERRNO.ENOENT) throw new Failure("open", path, fd);
  const text = fd < 0 ? "" : readAll(kernel, fd, path, status);
  const changed = edit(text);
  if (changed !== null) replace(kernel, path, changed, open, fd < 0 ? null : status);
  return "";
}

/** Locks the folder while the file is changed. Locking the file itself would not work, because it is replaced. */
function lockFolder(kernel: Kernel, folder: string, open: Open): void {
  const fd = open(folder, O_RDONLY | O_DIRECTORY);
  if (fd < 0) throw new Failure("open", folder, fd);
  for (let tries = 1; ; tries++) {
    const n = kernel.flock(fd);
    if (n === 0) return;
    if (n !== -ERRNO.EAGAIN || tries === TRIES) throw new Failure("flock", folder, n);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, BETWEEN_TRIES);
  }
}

function readAll(kernel: Kernel, fd: number, path: string, status: FileStatus): string {
  const n = kernel.fstat(fd, status);
  if (n < 0) throw new Failure("fstat", path, n);
  if (status.size > MOST_BYTES) throw new Failure("read", path, -ERRNO.EFBIG);
  const block = new Block(status.size + 1);
  for (let length = 0; ; ) {
    const count = kernel.read(fd, block, length, block.bytes.length - length, length);
    if (count < 0) throw new Failure("read", path, count);
    if (count === 0 || length + count === block.bytes.length) return block.bytes.latin1Slice(0, length);
    length += count;
  }
}

/** Writes a new file beside the old one, then renames it. */
function replace(kernel: Kernel, path: string, text: string, open: Open, old: FileStatus | null): void {
  const temporary = path.replace(/[^/]*$/, (name) => `.${name}.${kernel.getpid()}`);
  const fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL, 0o600);
  if (fd < 0) throw new Failure("open", temporary, fd);
  try {
    writeAll(kernel, fd, temporary, text);
    keepRights(kernel, fd, temporary, old);
    const n = kernel.rename(AT_FDCWD, temporary, AT_FDCWD, path, true);
    if (n < 0) throw new Failure("rename", path, n);
  } catch (error) {
    kernel.unlink(AT_FDCWD, temporary);
    throw error;
  }
}

function writeAll(kernel: Kernel, fd: number, path: string, text: string): void {
  const block = new Block(text.length + 1);
  block.bytes.latin1Write(text, 0);
  for (let written = 0; written < text.length; ) {
    const n = kernel.write(fd, block, written, text.length - written);
    if (n < 0) throw new Failure("write", path, n);
    written += n;
  }
}

function keepRights(kernel: Kernel, fd: number, path: string, old: FileStatus | null): void {
  const own = new FileStatus();
  kernel.fstat(fd, own);
  if (old !== null && (old.user !== own.user || old.group !== own.group)) {
    const n = kernel.fchown(fd, old.user, old.group);
    if (n < 0) throw new Failure("fchown", path, n);
  }
  const n = kernel.fchmod(fd, old === null ? NEW_MODE : old.mode & 0o7777);
  if (n < 0) throw new Failure("fchmod", path, n);
}
