/**
 * openat2(RESOLVE_BENEATH) for kernels without it: each component is opened by itself with O_NOFOLLOW, so that no
 * link is ever followed by the kernel, and links are resolved here, never above the folder (openat2(2), path_resolution(7)).
 */
import * as abi from "./abi.ts";
import { ERRNO } from "./errno.ts";
import { FileStatus, type Kernel, type LinkPolicy } from "./kernel.ts";

/** As the kernel's own limit, MAXSYMLINKS. */
const MAX_LINKS = 40;

/** As Kernel.openBeneath for the policies "inside" and "deny", with nothing but openat and readlinkat. */
export function walkBeneath(
  kernel: Kernel,
  directory: number,
  path: string,
  flags: number,
  mode: number,
  links: LinkPolicy,
): number {
  if (path.startsWith("/")) return -ERRNO.EXDEV;
  const folders: number[] = []; // the open folders from the root's child down to where we are
  const close = (fd: number) => kernel.close(fd);
  try {
    return walk(kernel, directory, path, flags, mode, links, folders);
  } finally {
    folders.forEach(close);
  }
}

function walk(
  kernel: Kernel,
  directory: number,
  path: string,
  flags: number,
  mode: number,
  links: LinkPolicy,
  folders: number[],
): number {
  const left = components(path);
  const here = () => folders.at(-1) ?? directory;
  for (let followed = 0; left.length > 0; ) {
    const name = left.shift()!;
    if (name === "..") {
      if (folders.length === 0) return -ERRNO.EXDEV;
      kernel.close(folders.pop()!);
      continue;
    }
    const target = linkTarget(kernel, here(), name);
    if (target !== null && !(left.length === 0 && flags & abi.O_NOFOLLOW)) {
      if (links === "deny" || ++followed > MAX_LINKS) return -ERRNO.ELOOP;
      if (target.startsWith("/")) return -ERRNO.EXDEV;
      left.unshift(...components(target));
      continue;
    }
    const last = left.length === 0;
    const fd = last
      ? kernel.openBeneath(here(), name, flags | abi.O_NOFOLLOW, mode, "follow")
      : kernel.openBeneath(here(), name, abi.O_PATH | abi.O_DIRECTORY | abi.O_NOFOLLOW, 0, "follow");
    if (last || fd < 0) return fd;
    folders.push(fd);
  }
  return kernel.openBeneath(here(), ".", flags, mode, "follow");
}

/** The target of `name` if it is a symbolic link, else null. */
function linkTarget(kernel: Kernel, directory: number, name: string): string | null {
  const fd = kernel.openBeneath(directory, name, abi.O_PATH | abi.O_NOFOLLOW, 0, "follow");
  if (fd < 0) return null;
  const status = new FileStatus();
  const failed = kernel.fstat(fd, status) < 0;
  kernel.close(fd);
  if (failed || (status.mode & abi.S_IFMT) !== abi.S_IFLNK) return null;
  const target: string[] = [];
  return kernel.readlink(directory, name, target) < 0 ? null : target[0]!;
}

/** The components of a path without "." and empty ones; a slash at the end stays as a last ".": it asks for a folder. */
function components(path: string): string[] {
  const names = path.split("/");
  const folder = names.at(-1) === "" || names.at(-1) === ".";
  const kept = names.filter((name) => name !== "" && name !== ".");
  return folder && kept.length > 0 ? [...kept, "."] : kept;
}
