/** `disable_symlinks if_not_owner`: links are followed that have the owner of what they lead to. */
import { O_DIRECTORY, O_NOFOLLOW, O_PATH, S_IFLNK, S_IFMT } from "../../../../ffi/abi.ts";
import { ERRNO } from "../../../../ffi/errno.ts";
import { FileStatus, type Kernel } from "../../../../ffi/kernel.ts";

/**
 * Opens `path` (relative, without ".." components) beneath the folder `root`. A descriptor or -errno; -ELOOP: a component is a link of
 * another owner. As in nginx, the path that a link leads to is not looked at itself.
 */
export function openOwned(kernel: Kernel, root: number, path: string, flags: number): number {
  const direct = kernel.openBeneath(root, path, flags, 0, "deny"); // mostly there is no link
  if (direct !== -ERRNO.ELOOP) return direct;
  const names = path.split("/").filter((name) => name !== "");
  if (path.endsWith("/")) names.push("."); // it must be a folder
  let here = root;
  for (const [i, name] of names.entries()) {
    const next = step(kernel, here, name, i === names.length - 1 ? flags : O_PATH | O_DIRECTORY);
    if (here !== root) kernel.close(here);
    if (next < 0) return next;
    here = next;
  }
  return here;
}

/** Opens one component. */
function step(kernel: Kernel, here: number, name: string, flags: number): number {
  const found = kernel.openBeneath(here, name, flags, 0, "follow");
  if (found < 0) return found;
  const target = new FileStatus();
  const itself = new FileStatus();
  const link = kernel.openBeneath(here, name, O_PATH | O_NOFOLLOW, 0, "follow");
  const isKnown = link >= 0 && kernel.fstat(link, itself) >= 0 && kernel.fstat(found, target) >= 0;
  if (link >= 0) kernel.close(link);
  if (isKnown && ((itself.mode & S_IFMT) !== S_IFLNK || itself.user === target.user)) return found;
  kernel.close(found);
  return -ERRNO.ELOOP;
}
