/** A kernel that only reads files: whoever runs on it changes nothing, asks nobody and starts nothing. */
import { O_CREAT, O_RDWR, O_TRUNC, O_WRONLY } from "../../../ffi/abi.ts";
import { ERRNO } from "../../../ffi/errno.ts";
import type { Kernel } from "../../../ffi/kernel.ts";

const REFUSED = -ERRNO.EPERM;
const refuse = (): number => REFUSED;

const mayOpen = (flags: number): boolean => (flags & (O_WRONLY | O_RDWR | O_CREAT | O_TRUNC)) === 0;

/** @param missed called when something else than a file would have been needed: a connection or a program */
export function readingKernel(kernel: Kernel, missed: () => void): Kernel {
  const miss = (): number => {
    missed();
    return REFUSED;
  };
  return {
    ...kernel,
    open: (path, flags, mode) => (mayOpen(flags) ? kernel.open(path, flags, mode) : REFUSED),
    openBeneath: (directory, path, flags, mode, links) =>
      mayOpen(flags) ? kernel.openBeneath(directory, path, flags, mode, links) : REFUSED,
    socket: miss,
    setsockopt: refuse,
    bind: refuse,
    connect: miss,
    listen: refuse,
    accept: refuse,
    recv: refuse,
    send: refuse,
    sendfile: refuse,
    shutdownWrite: refuse,
    write: refuse,
    unlink: refuse,
    mkdir: refuse,
    rmdir: refuse,
    rename: refuse,
    allocate: refuse,
    truncate: refuse,
    fchmod: refuse,
    fchown: refuse,
    futimens: refuse,
    flock: refuse,
    chmod: refuse,
    pipe: miss,
    spawn: miss,
    pidfdOpen: refuse,
    wait: refuse,
    tcsetattr: refuse,
    kill: refuse,
    setDescriptorLimit: refuse,
  };
}
