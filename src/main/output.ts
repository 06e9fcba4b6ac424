/** Output of the program itself, written synchronously: process.stdout would lose what a slow pipe has not taken when the process exits. */
import { ERRNO } from "../../ffi/errno.ts";
import type { Kernel } from "../../ffi/kernel.ts";
import { Block } from "../../ffi/memory.ts";
import { encodeName } from "../../ffi/text.ts";

const STDOUT = 1;
const STDERR = 2;
/** Interval between tries on a pipe that someone made non-blocking, ms. */
const RETRY = 5;

/** Writes to standard output; false if not all of it could be written. */
export const writeOut = (kernel: Kernel, text: string): boolean => writeAll(kernel, STDOUT, text);

/** Writes to standard error; a failure cannot be reported. */
export const writeError = (kernel: Kernel, text: string): boolean => writeAll(kernel, STDERR, text);

function writeAll(kernel: Kernel, fd: number, text: string): boolean {
  const bytes = encodeName(text);
  const block = new Block(Math.max(1, bytes.length));
  bytes.copy(block.bytes);
  for (let written = 0; written < bytes.length; ) {
    const n = kernel.write(fd, block, written, bytes.length - written);
    if (n > 0) written += n;
    else if (n === -ERRNO.EAGAIN) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, RETRY);
    else return false;
  }
  return true;
}
