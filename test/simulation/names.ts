/** Calls of the simulated kernel on names in folders: mkdir(2), rmdir(2), unlink(2), rename(2), readlink(2). */
import * as abi from "../../ffi/abi.ts";
import { ERRNO } from "../../ffi/errno.ts";
import type { Descriptors } from "./descriptors.ts";
import type { Faults } from "./faults.ts";
import { OpenFile } from "./open-file.ts";
import type { Entry, Node, Tree } from "./tree.ts";

/** Of the simulated process. */
export const UMASK = 0o022;

const isSpecial = (name: string): boolean => name === "" || name === "." || name === "..";

/** The errors of rmdir(2) for ".", ".." and "". */
const UNREMOVABLE: Readonly<Record<string, number>> = {
  ".": -ERRNO.EINVAL,
  "..": -ERRNO.ENOTEMPTY,
  "": -ERRNO.EBUSY,
};

export class Names {
  /** Files and folders that the server tried to remove, but a fault made the call fail. */
  readonly undeletable = new Set<Node>();

  constructor(
    private readonly tree: Tree,
    private readonly descriptors: Descriptors,
    private readonly faults: Faults,
  ) {}

  /** The folder from which names relative to `directory` start. */
  start(directory: number): Node {
    return directory === abi.AT_FDCWD ? this.tree.root : this.descriptors.expect(directory, OpenFile).node;
  }

  /** The error of a change in `folder`; 0: it is allowed. A call that adds an entry may also fail for lack of space. */
  refusal(folder: Node, what: "adds" | "removes"): number {
    if (this.tree.isGone(folder)) return -ERRNO.ENOENT;
    if (!folder.permits(3)) return -ERRNO.EACCES;
    const failure = this.faults.failure("EROFS", "EACCES", "EIO in writing");
    return failure < 0 || what === "removes" ? failure : this.faults.failure("ENOSPC", "EDQUOT");
  }

  mkdir(directory: number, name: string, mode: number): number {
    const entry = this.tree.entry(name, this.start(directory));
    if (typeof entry === "number") return entry;
    if (entry.isTooLong) return -ERRNO.ENAMETOOLONG;
    if (entry.node || isSpecial(entry.name)) return -ERRNO.EEXIST;
    const refused = this.refusal(entry.folder, "adds");
    if (refused < 0) return refused;
    this.tree.attach(entry.folder, entry.name, this.tree.make(abi.S_IFDIR | (mode & 0o1777 & ~UMASK)));
    return 0;
  }

  rmdir(directory: number, name: string): number {
    const entry = this.tree.entry(name, this.start(directory));
    if (typeof entry === "number") return entry;
    if (entry.isTooLong) return -ERRNO.ENAMETOOLONG;
    if (isSpecial(entry.name)) return UNREMOVABLE[entry.name]!;
    if (!entry.node) return -ERRNO.ENOENT;
    const refused = this.refusal(entry.folder, "removes");
    if (refused === 0 && !entry.node.is(abi.S_IFDIR)) return -ERRNO.ENOTDIR;
    if (refused === 0 && entry.node.entries.size > 0) return -ERRNO.ENOTEMPTY;
    return this.removed(entry, entry.node, refused);
  }

  unlink(directory: number, name: string): number {
    const entry = this.tree.entry(name, this.start(directory));
    if (typeof entry === "number") return entry;
    if (entry.isTooLong) return -ERRNO.ENAMETOOLONG;
    if (isSpecial(entry.name)) return -ERRNO.EISDIR;
    if (!entry.node) return -ERRNO.ENOENT;
    if (entry.node.is(abi.S_IFDIR)) return -ERRNO.EISDIR;
    if (entry.slash) return -ERRNO.ENOTDIR;
    return this.removed(entry, entry.node, this.refusal(entry.folder, "removes"));
  }

  private removed({ folder, name }: Entry, node: Node, refused: number): number {
    if (refused < 0) this.undeletable.add(node);
    else this.tree.detach(folder, name);
    return refused;
  }

  rename(fromDirectory: number, from: string, toDirectory: number, to: string, replace: boolean): number {
    const old = this.tree.entry(from, this.start(fromDirectory));
    if (typeof old === "number") return old;
    const target = this.tree.entry(to, this.start(toDirectory));
    if (typeof target === "number") return target;
    if (isSpecial(old.name)) return -ERRNO.EBUSY;
    if (isSpecial(target.name)) return replace ? -ERRNO.EBUSY : -ERRNO.EEXIST;
    if (old.isTooLong) return -ERRNO.ENAMETOOLONG;
    if (!old.node) return -ERRNO.ENOENT;
    if (target.isTooLong) return -ERRNO.ENAMETOOLONG;
    if (target.node && !replace) return -ERRNO.EEXIST;
    const unfit = this.unfit(old.node, old, target);
    if (unfit < 0) return unfit === -ERRNO.EINVAL && !replace ? -ERRNO.EPERM : unfit; // link(2) is tried, which takes no folder
    if (old.node !== target.node) this.move(old.node, old, target);
    return 0;
  }

  private move(node: Node, old: Entry, target: Entry): void {
    this.tree.detach(old.folder, old.name);
    this.tree.attach(target.folder, target.name, node);
  }

  /** The error of moving `node` from one place to the other; 0: it can be moved. Checks are in the order of fs/namei.c. */
  private unfit(node: Node, old: Entry, target: Entry): number {
    const isFolder = node.is(abi.S_IFDIR);
    if (!isFolder && (old.slash || target.slash)) return -ERRNO.ENOTDIR;
    for (let above: Node | null = target.folder; above; above = above.parent) if (above === node) return -ERRNO.EINVAL;
    if (node === target.node) return 0;
    for (let above: Node | null = old.folder; above; above = above.parent) {
      if (above === target.node) return -ERRNO.ENOTEMPTY;
    }
    const refused = this.refusal(old.folder, "removes") || this.refusal(target.folder, "adds");
    if (refused < 0 || !target.node) return refused;
    const replacesFolder = target.node.is(abi.S_IFDIR);
    if (isFolder !== replacesFolder) return isFolder ? -ERRNO.ENOTDIR : -ERRNO.EISDIR;
    return replacesFolder && target.node.entries.size > 0 ? -ERRNO.ENOTEMPTY : 0;
  }

  readlink(directory: number, name: string, into: string[]): number {
    if (name === "/proc/self/cwd") return (into[0] = "/").length;
    const own = /^\/proc\/self\/fd\/(\d+)$/.exec(name);
    if (own) {
      into[0] = this.descriptors.expect(Number(own[1]), OpenFile).node.path;
      return Buffer.byteLength(into[0]);
    }
    const from = this.start(directory);
    const place = this.tree.resolve(name, { from, beneath: false, refuseLinks: false, followLast: false });
    if (typeof place === "number") return place;
    if (!place.node) return -ERRNO.ENOENT;
    if (!place.node.is(abi.S_IFLNK)) return -ERRNO.EINVAL;
    into[0] = place.node.target;
    return Buffer.byteLength(place.node.target);
  }
}
