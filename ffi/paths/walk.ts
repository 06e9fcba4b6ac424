/**
 * openat2(RESOLVE_BENEATH) for kernels without it. Each component is opened separately with O_NOFOLLOW, so the kernel never
 * follows a link. Links are resolved here and never lead above the folder (openat2(2), path_resolution(7)).
 */
import * as abi from "../abi.ts";
import { ERRNO } from "../errno.ts";
import type { Kernel, LinkPolicy } from "../kernel.ts";

/** The calls a walk uses; names are relative to `directory`. */
export interface Steps extends Pick<Kernel, "close" | "readlink"> {
  /** openat(2) with the flags that every file gets. */
  openat(directory: number, name: string, flags: number, mode: number): number;
}

/** The kernel's own limit, MAXSYMLINKS. */
const MAX_LINKS = 40;
const FOLDER = abi.O_PATH | abi.O_DIRECTORY | abi.O_NOFOLLOW;

/** As Kernel.openBeneath for the policies "inside" and "deny", using only openat and readlinkat. */
export function walkBeneath(
  steps: Steps,
  directory: number,
  path: string,
  flags: number,
  mode: number,
  links: Exclude<LinkPolicy, "follow">,
): number {
  if (path === "" || path.includes("\0")) return -ERRNO.ENOENT;
  if (Buffer.byteLength(path) >= abi.PATH_MAX) return -ERRNO.ENAMETOOLONG;
  if (path.startsWith("/")) return -ERRNO.EXDEV;
  const walk = new Walk(steps, directory, path, links);
  try {
    return walk.open(flags, mode);
  } finally {
    walk.close();
  }
}

class Walk {
  /** The open folders, from the root's child down to the current one. */
  private readonly folders: number[] = [];
  /** The components still to be opened. */
  private readonly left: string[];
  private followed = 0;

  constructor(
    private readonly steps: Steps,
    private readonly root: number,
    path: string,
    private readonly links: LinkPolicy,
  ) {
    this.left = components(path);
  }

  open(flags: number, mode: number): number {
    const exclusive = (flags & (abi.O_CREAT | abi.O_EXCL)) === (abi.O_CREAT | abi.O_EXCL);
    const followsLast = !exclusive && (flags & abi.O_NOFOLLOW) === 0;
    for (let name = this.left.shift(); name !== undefined; name = this.left.shift()) {
      const last = this.left.length === 0;
      const followed = last && !followsLast ? 0 : this.followLink(name);
      if (followed < 0) return followed;
      if (followed > 0) continue;
      if (last && !isDots(name)) return this.steps.openat(this.here, name, flags | abi.O_NOFOLLOW, mode);
      const n = this.enter(name);
      if (n < 0) return n;
    }
    return this.steps.openat(this.here, ".", flags, mode);
  }

  close(): void {
    for (const fd of this.folders) this.steps.close(fd);
  }

  private get here(): number {
    return this.folders.at(-1) ?? this.root;
  }

  /** Enters the folder `name`; ".." leaves the current one. Negative: -errno. */
  private enter(name: string): number {
    if (name === ".") return 0;
    if (name === "..") {
      const fd = this.folders.pop();
      return fd === undefined ? -ERRNO.EXDEV : this.steps.close(fd);
    }
    const fd = this.steps.openat(this.here, name, FOLDER, 0);
    if (fd >= 0) this.folders.push(fd);
    return fd;
  }

  /** If `name` is a link: replaces it by the components of its target and gives 1. 0: it is no link. -errno: the link may not be followed. */
  private followLink(name: string): number {
    const target = isDots(name) ? null : this.linkTarget(name);
    if (target === null) return 0;
    if (this.links === "deny" || ++this.followed > MAX_LINKS) return -ERRNO.ELOOP;
    if (target.startsWith("/")) return -ERRNO.EXDEV;
    this.left.unshift(...components(target));
    return 1;
  }

  /** The target of `name` if it is a symbolic link, else null. On any other error the caller's open reports it. */
  private linkTarget(name: string): string | null {
    const target: string[] = [];
    return this.steps.readlink(this.here, name, target) < 0 ? null : target[0]!;
  }
}

const isDots = (name: string): boolean => name === "." || name === "..";

/** The non-empty components of a path. A slash at the end becomes a last ".", because both require a folder. */
function components(path: string): string[] {
  const names = path.split("/").filter((name) => name !== "");
  return path.endsWith("/") ? [...names, "."] : names;
}
