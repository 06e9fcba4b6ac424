/** Copies bytes from one file to another. */
import { ERRNO } from "../../../ffi/errno.ts";
import type { Kernel } from "../../../ffi/kernel.ts";
import { Block } from "../../../ffi/memory.ts";

const MOST_COPIED_BY_HAND = 256 * 1024;

/**
 * Copies at most `length` bytes of the file `source`, from `position` on, to where `target` is at. The kernel copies them, where the file
 * system supports it. Number of bytes (0: end of the source), or -errno: then it is unknown how many were copied.
 */
export function copyBytes(kernel: Kernel, target: number, source: number, position: number, length: number): number {
  let n = kernel.sendfile(target, source, position, length); // file to file: since Linux 2.6.33
  while (n === -ERRNO.EINTR) n = kernel.sendfile(target, source, position, length);
  return n === -ERRNO.EINVAL || n === -ERRNO.ENOSYS ? copyByHand(kernel, target, source, position, length) : n;
}

function copyByHand(kernel: Kernel, target: number, source: number, position: number, length: number): number {
  const block = new Block(Math.min(length, MOST_COPIED_BY_HAND));
  const n = kernel.read(source, block, 0, block.bytes.length, position);
  const written = n > 0 ? writeAll(kernel, target, block, 0, n) : 0;
  return written < 0 ? written : n;
}

/** Writes block[start, start + length), in as many calls as it takes. 0 or -errno. */
export function writeAll(kernel: Kernel, fd: number, block: Block, start: number, length: number): number {
  for (let done = 0; done < length; ) {
    const n = kernel.write(fd, block, start + done, length - done);
    if (n <= 0) return n === 0 ? -ERRNO.EIO : n;
    done += n;
  }
  return 0;
}
