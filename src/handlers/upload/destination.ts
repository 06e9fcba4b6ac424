/** The folder of the store that receives a finished file, and the folders created for it. */
import { O_DIRECTORY, O_NOFOLLOW, O_PATH, O_RDONLY } from "../../../ffi/abi.ts";
import { ERRNO } from "../../../ffi/errno.ts";
import type { Kernel, LinkPolicy } from "../../../ffi/kernel.ts";
import { openWithin, SharedFile } from "../files/open.ts";

const FOLDER = O_PATH | O_DIRECTORY;

interface Made {
  readonly parent: SharedFile;
  readonly name: string;
}

/** An open folder. The caller of `openDestination` must call `close`, or `undo` to remove the created folders too. */
export class Destination {
  constructor(
    private readonly kernel: Kernel,
    private readonly folder: SharedFile,
    private readonly made: readonly Made[],
  ) {}

  get fd(): number {
    return this.folder.fd;
  }

  close(): void {
    this.folder.release();
    for (const { parent } of this.made) parent.release();
  }

  /** Removes the created folders that are still empty, then closes. */
  undo(): void {
    removeMade(this.kernel, this.made);
    this.close();
  }
}

/**
 * Opens the folder `folders` (names, outermost first) of `store` and never leaves the store. `mode`: the permissions of
 * missing folders, which are created; null: none is.
 * -errno: -ENOENT a folder is missing, -ENOTDIR one is a file, -EXDEV a link leads out of the store, -ELOOP a link may not be followed.
 */
export function openDestination(
  kernel: Kernel,
  store: SharedFile,
  folders: readonly string[],
  links: LinkPolicy,
  mode: number | null,
): Destination | number {
  if (folders.length === 0) {
    store.retain();
    return new Destination(kernel, store, []);
  }
  const fd = openWithin(kernel, store.fd, folders.join("/"), FOLDER, links);
  if (fd === -ERRNO.ENOENT && mode !== null) return makeDestination(kernel, store, folders, links, mode);
  return fd < 0 ? fd : new Destination(kernel, new SharedFile(kernel, fd), []);
}

/** Opens or creates one component after the other. Each is opened by its path from the store, so that the kernel checks every link in it. */
function makeDestination(
  kernel: Kernel,
  store: SharedFile,
  folders: readonly string[],
  links: LinkPolicy,
  mode: number,
): Destination | number {
  const made: Made[] = [];
  let here = store;
  here.retain();
  for (let depth = 1; depth <= folders.length; depth++) {
    const path = folders.slice(0, depth).join("/");
    const next = enter(kernel, store, here, path, { name: folders[depth - 1]!, links, mode }, made);
    here.release();
    if (typeof next === "number") {
      removeMade(kernel, made);
      for (const { parent } of made) parent.release();
      return next;
    }
    here = next;
  }
  return new Destination(kernel, here, made);
}

/** Opens the folder at `path`. If it is missing, creates it in `here` first. */
function enter(
  kernel: Kernel,
  store: SharedFile,
  here: SharedFile,
  path: string,
  { name, links, mode }: { readonly name: string; readonly links: LinkPolicy; readonly mode: number },
  made: Made[],
): SharedFile | number {
  let fd = openWithin(kernel, store.fd, path, FOLDER, links);
  if (fd === -ERRNO.ENOENT) {
    const n = makeFolder(kernel, here.fd, name, mode);
    if (n < 0 && n !== -ERRNO.EEXIST) return n;
    if (n >= 0) {
      here.retain();
      made.push({ parent: here, name });
    }
    fd = openWithin(kernel, store.fd, path, FOLDER, links);
    if (fd === -ERRNO.ENOENT && n < 0) return -ERRNO.ENOTDIR; // the name belongs to a broken link
  }
  return fd < 0 ? fd : new SharedFile(kernel, fd);
}

/** Makes a folder with exactly these permissions as far as they exceed those of usual folders: the umask would take them away. 0 or -errno. */
export function makeFolder(kernel: Kernel, parent: number, name: string, mode: number): number {
  const n = kernel.mkdir(parent, name, mode);
  if (n < 0 || (mode & 0o022) === 0) return n;
  const fd = kernel.openBeneath(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, "deny");
  if (fd < 0) return 0; // it was removed or replaced meanwhile
  kernel.fchmod(fd, mode);
  kernel.close(fd);
  return 0;
}

function removeMade(kernel: Kernel, made: readonly Made[]): void {
  for (const { parent, name } of made.toReversed()) kernel.rmdir(parent.fd, name);
}
