/**
 * Opens files beneath a folder. The kernel enforces the root (openat2, RESOLVE_BENEATH). This file adds the root's own descriptor,
 * and links whose text leaves the root although their target is inside.
 */
import { AT_FDCWD, O_DIRECTORY, O_PATH, S_IFDIR, S_IFMT, S_IFREG } from "../../../ffi/abi.ts";
import { ERRNO } from "../../../ffi/errno.ts";
import { FileStatus, type Kernel, type LinkPolicy } from "../../../ffi/kernel.ts";
import type { Settings } from "../../config/model.ts";
import type { OpenFile } from "../../exchange/reply.ts";
import { openOwned } from "./links/owned-links.ts";

/** How links are treated; "owner": those are followed that have the owner of what they lead to. */
type Links = Settings["symlinks"];

/** A descriptor that is closed when its last user releases it. Its maker is the first user. */
export class SharedFile implements OpenFile {
  private users = 1;

  constructor(
    private readonly kernel: Kernel,
    readonly fd: number,
  ) {}

  retain(): void {
    this.users++;
  }

  release(): void {
    if (--this.users === 0) this.kernel.close(this.fd);
  }
}

/**
 * Opens `path` (relative) beneath `root`. As Kernel.openBeneath, but under "inside" it also follows a link that is absolute, or
 * that leaves the root and returns, if its target is in the root. Such a link never creates a file.
 */
export function openWithin(kernel: Kernel, root: number, path: string, flags: number, links: Links): number {
  if (climbs(path)) return -ERRNO.EXDEV;
  if (links === "owner") return openOwned(kernel, root, path, flags);
  const fd = kernel.openBeneath(root, path, flags, 0, links);
  return fd === -ERRNO.EXDEV && links === "inside" ? openReal(kernel, root, path, flags) : fd;
}

/** The link policy for writing and removing: links never lead out of the root, even where reading follows them. */
export const changing = (links: Links): LinkPolicy => (links === "deny" ? "deny" : "inside");

/** Writes the status of `path` beneath `root`, opened as by `openWithin`, into `into`. 0 or -errno. */
export function statWithin(kernel: Kernel, root: number, path: string, links: Links, into: FileStatus): number {
  const fd = openWithin(kernel, root, path, O_PATH, links);
  if (fd < 0) return fd;
  const n = kernel.fstat(fd, into);
  kernel.close(fd);
  return n;
}

/** As `statWithin`, but only for regular files: -EISDIR for a folder, -ENXIO for anything else. */
export function fileWithin(kernel: Kernel, root: number, path: string, links: Links, into: FileStatus): number {
  const n = statWithin(kernel, root, path, links, into);
  if (n < 0) return n;
  const type = into.mode & S_IFMT;
  return type === S_IFREG ? 0 : type === S_IFDIR ? -ERRNO.EISDIR : -ERRNO.ENXIO;
}

/** Whether a path is absolute or contains ".." or a NUL. A normalised request has no such path, and "follow" must not obey one. */
const climbs = (path: string): boolean => path.startsWith("/") || /(^|\/)\.\.(\/|$)|\0/.test(path);

/** Resolves `path`, then opens the result beneath the root. If a link changes in between, the kernel's check still applies. */
function openReal(kernel: Kernel, root: number, path: string, flags: number): number {
  const found = kernel.openBeneath(root, path, O_PATH, 0, "follow");
  if (found < 0) return found;
  const real = realPath(kernel, found);
  kernel.close(found);
  const top = realPath(kernel, root);
  if (real === null || top === null) return -ERRNO.EXDEV;
  if (real === top) return kernel.openBeneath(root, ".", flags, 0, "inside");
  const beneath = top === "/" ? top : top + "/";
  return real.startsWith(beneath)
    ? kernel.openBeneath(root, real.slice(beneath.length), flags, 0, "inside")
    : -ERRNO.EXDEV;
}

/** The path of an open file with links resolved; null if /proc does not give it. */
function realPath(kernel: Kernel, fd: number): string | null {
  const target: string[] = [];
  return kernel.readlink(AT_FDCWD, "/proc/self/fd/" + fd, target) < 0 ? null : target[0]!;
}

interface HeldRoot {
  readonly folder: SharedFile;
  readonly inode: number;
  readonly device: number;
  checkedAt: number;
}

/** Most roots kept open. Roots with variables in their path depend on requests, so their number must be limited. */
const MAX_ROOTS = 64;

/** The descriptors (O_PATH) of the root folders; opened again when a folder was replaced. */
export class RootFolders {
  private readonly held = new Map<string, HeldRoot>();
  private readonly status = new FileStatus();

  constructor(private readonly kernel: Kernel) {}

  /** Whether the folder given by `get` is no longer the one at `path`; then it is forgotten. Checked once per turn. */
  hasMoved(path: string, now: number): boolean {
    const root = this.held.get(path);
    if (root === undefined || root.checkedAt === now) return false;
    const { status } = this;
    const n = this.kernel.stat(path === "" ? "/" : path, status);
    root.checkedAt = now;
    if (n === 0 && status.inode === root.inode && status.device === root.device) return false;
    this.drop(path);
    return true;
  }

  /** The folder at `path`, checked within the last `valid` ms, or -errno. The caller must retain it to keep it. */
  get(path: string, now: number, valid: number): SharedFile | number {
    const root = this.held.get(path);
    if (root !== undefined && now - root.checkedAt < valid) return root.folder;
    const fd = this.kernel.open(path === "" ? "/" : path, O_PATH | O_DIRECTORY, 0);
    if (fd < 0) {
      this.drop(path);
      return fd;
    }
    return this.hold(path, fd, now);
  }

  close(): void {
    for (const path of [...this.held.keys()]) this.drop(path);
  }

  private hold(path: string, fd: number, now: number): SharedFile {
    const root = this.held.get(path);
    this.kernel.fstat(fd, this.status);
    const { inode, device } = this.status;
    if (root !== undefined && root.inode === inode && root.device === device) {
      this.kernel.close(fd);
      root.checkedAt = now;
      return root.folder;
    }
    this.drop(path);
    if (this.held.size >= MAX_ROOTS) this.drop(this.held.keys().next().value!);
    const folder = new SharedFile(this.kernel, fd);
    this.held.set(path, { folder, inode, device, checkedAt: now });
    return folder;
  }

  private drop(path: string): void {
    this.held.get(path)?.folder.release();
    this.held.delete(path);
  }
}
