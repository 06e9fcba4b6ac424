/** The pid file, with which `-s` finds the running server. */
import { AT_FDCWD, O_CREAT, O_RDONLY, O_TRUNC, O_WRONLY } from "../../ffi/abi.ts";
import { errnoText } from "../../ffi/errno.ts";
import type { Kernel } from "../../ffi/kernel.ts";
import { Block } from "../../ffi/memory.ts";

/** Writes this process' id. Gives "" or what went wrong. */
export function writePid(kernel: Kernel, path: string): string {
  const fd = kernel.open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o644);
  if (fd < 0) return `open() "${path}" failed (${errnoText(fd)})`;
  const block = new Block(16);
  const n = kernel.write(fd, block, 0, block.bytes.write(`${kernel.getpid()}\n`));
  kernel.close(fd);
  return n < 0 ? `write() to "${path}" failed (${errnoText(n)})` : "";
}

/** Reads the process id in a pid file; a string tells what is wrong. */
export function readPid(kernel: Kernel, path: string): number | string {
  const fd = kernel.open(path, O_RDONLY, 0);
  if (fd < 0) return `open() "${path}" failed (${errnoText(fd)})`;
  const block = new Block(32);
  const n = kernel.read(fd, block, 0, 32, 0);
  kernel.close(fd);
  const text = block.bytes.latin1Slice(0, Math.max(0, n)).trim();
  return /^[1-9]\d{0,9}$/.test(text) ? Number(text) : `invalid process id "${text}" in "${path}"`;
}

export function removePid(kernel: Kernel, path: string): void {
  kernel.unlink(AT_FDCWD, path);
}
