/** Kernel.openBeneath: openat2(2) keeps a path beneath its folder; on kernels without openat2, walk.ts does. */
import * as abi from "../abi.ts";
import { ERRNO } from "../errno.ts";
import type { Kernel } from "../kernel.ts";
import { type Steps, walkBeneath } from "./walk.ts";

/** openat2(2) with the fields of struct open_how as arguments. A descriptor, or -errno. */
type Openat2 = (directory: number, path: string, flags: number, mode: number, resolve: number) => number;

const RESOLVE = {
  inside: abi.RESOLVE_BENEATH | abi.RESOLVE_NO_MAGICLINKS,
  deny: abi.RESOLVE_BENEATH | abi.RESOLVE_NO_SYMLINKS,
} as const;

/** Set on every file the server opens: opening a FIFO must not block the loop, a terminal must not become ours, no child may inherit it. */
export const FILE_FLAGS = abi.O_CLOEXEC | abi.O_NONBLOCK | abi.O_NOCTTY;

/** Limit of retries when renames race with openat2, so that they cannot hold up the loop. */
const MOST_TRIES = 100;

/** Probes once whether openat2 works. ENOSYS: Linux before 5.6. EPERM: a seccomp filter that does not know the call. */
export function beneath(openat2: Openat2, steps: Steps): Kernel["openBeneath"] {
  const probe = openat2(abi.AT_FDCWD, "/", abi.O_PATH | abi.O_CLOEXEC, 0, 0);
  if (probe >= 0) steps.close(probe);
  const walks = probe === -ERRNO.ENOSYS || probe === -ERRNO.EPERM;
  return (directory, path, flags, mode, links) => {
    if (links === "follow") return steps.openat(directory, path, flags, mode);
    if (!walks) {
      const fd = resolved(openat2, directory, path, flags, mode, links);
      if (fd !== -ERRNO.EAGAIN) return fd;
    }
    return walkBeneath(steps, directory, path, flags, mode, links);
  };
}

/** Opens with openat2, which refuses unused arguments: a mode without O_CREAT, O_PATH with other flags. -EAGAIN: a rename raced with it each time. */
function resolved(
  openat2: Openat2,
  directory: number,
  path: string,
  flags: number,
  mode: number,
  links: keyof typeof RESOLVE,
): number {
  const all = flags | (flags & abi.O_PATH ? abi.O_CLOEXEC : FILE_FLAGS);
  const usedMode = flags & abi.O_CREAT ? mode : 0;
  for (let tries = 0; tries < MOST_TRIES; tries++) {
    const fd = openat2(directory, path, all, usedMode, RESOLVE[links]);
    if (fd !== -ERRNO.EAGAIN && fd !== -ERRNO.EINTR) return fd;
  }
  return -ERRNO.EAGAIN;
}
