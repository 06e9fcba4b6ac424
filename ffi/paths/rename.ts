/** Kernel.rename: renameat2(2). Where the file system does not know RENAME_NOREPLACE, link(2) and unlink(2) do it. */
import { RENAME_NOREPLACE } from "../abi.ts";
import { ERRNO } from "../errno.ts";
import type { Kernel } from "../kernel.ts";

/** The system calls that `renaming` uses; each gives a count or -errno. */
interface Moves {
  renameat2(fromDirectory: number, from: string, toDirectory: number, to: string, flags: number): number;
  linkat(fromDirectory: number, from: string, toDirectory: number, to: string): number;
  unlinkat(directory: number, name: string): number;
}

/** EINVAL: the file system does not support the flag (NFS, some FUSE). ENOSYS: a seccomp filter or an emulation does not know renameat2. */
const NEEDS_LINK: ReadonlySet<number> = new Set([-ERRNO.EINVAL, -ERRNO.ENOSYS]);

export function renaming({ renameat2, linkat, unlinkat }: Moves): Kernel["rename"] {
  return (fromDirectory, from, toDirectory, to, replace) => {
    if (replace) return renameat2(fromDirectory, from, toDirectory, to, 0);
    const renamed = renameat2(fromDirectory, from, toDirectory, to, RENAME_NOREPLACE);
    if (!NEEDS_LINK.has(renamed)) return renamed;
    const linked = linkat(fromDirectory, from, toDirectory, to);
    return linked < 0 ? linked : unlinkat(fromDirectory, from);
  };
}
