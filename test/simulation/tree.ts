/** The file tree of a simulated machine (folders, regular files, symbolic links, FIFOs) and the resolution of paths. */
import { S_IFDIR, S_IFIFO, S_IFLNK, S_IFMT, S_IFREG } from "../../ffi/abi.ts";
import { ERRNO } from "../../ffi/errno.ts";

/** A file of any type. Fields of other types stay empty. */
export class Node {
  /** The content of a regular file. */
  content: Buffer = Buffer.alloc(0);
  /** The entries of a folder, in order of creation. */
  readonly entries = new Map<string, Node>();
  /** Extended attributes. */
  readonly attributes = new Map<string, Buffer>();
  /** The target of a symbolic link. */
  target = "";
  /** Its place in the tree; null: it was removed. */
  parent: Node | null = null;
  name = "";
  /** The open file that has it locked (flock(2)), or another object if a test has locked it. */
  lockedBy: object | null = null;
  /** Time of the last change of content or attributes, ms since 1970. */
  ctime: number;

  constructor(
    readonly inode: number,
    /** st_mode. */
    public mode: number,
    /** Ms since 1970. */
    public mtime: number,
  ) {
    this.ctime = mtime;
  }

  is(type: number): boolean {
    return (this.mode & S_IFMT) === type;
  }

  /** Whether the server, which owns every file but is not root, has all of these rights: 4 read, 2 write, 1 search. */
  permits(rights: number): boolean {
    return ((this.mode >> 6) & rights) === rights;
  }

  /** The absolute path, as /proc/self/fd shows it. */
  get path(): string {
    const names: string[] = [];
    let node: Node = this;
    for (; node.parent; node = node.parent) names.unshift(node.name);
    return `/${names.join("/")}${node.name === "" ? "" : " (deleted)"}`;
  }
}

/** Rules for resolving a path. */
export interface Walk {
  /** The folder in which a relative path starts. */
  readonly from: Node;
  /** RESOLVE_BENEATH: the path must not leave `from`. */
  readonly beneath: boolean;
  /** RESOLVE_NO_SYMLINKS. */
  readonly refuseLinks: boolean;
  /** Whether a link as last component is followed (no O_NOFOLLOW). */
  readonly followLast: boolean;
}

/** The result of resolving a path: the folder, the last name, and the node of that name, if there is one. */
export interface Place {
  readonly folder: Node;
  readonly name: string;
  readonly node: Node | null;
}

/** The entry that a call creates, moves or removes. A link there is not followed. `name` may be ".", "..", or "" for the root. */
export interface Entry extends Place {
  /** A slash follows the name, so it must be a folder's. */
  readonly slash: boolean;
  /** No folder has such a name. */
  readonly isTooLong: boolean;
}

const MAX_LINKS = 40;
const NAME_MAX = 255;
const PATH_MAX = 4096;

export class Tree {
  readonly root: Node;
  private inodes = 1;

  /** @param now the clock for new files' mtime, ms since 1970 */
  constructor(private readonly now: () => number) {
    this.root = this.make(S_IFDIR | 0o755);
  }

  make(mode: number): Node {
    return new Node(this.inodes++, mode, this.now());
  }

  attach(folder: Node, name: string, node: Node): Node {
    this.detach(folder, name);
    node.parent = folder;
    node.name = name;
    folder.entries.set(name, node);
    node.ctime = folder.mtime = folder.ctime = this.now();
    return node;
  }

  detach(folder: Node, name: string): void {
    const node = folder.entries.get(name);
    if (!node) return;
    folder.entries.delete(name);
    node.parent = null;
    node.ctime = folder.mtime = folder.ctime = this.now();
  }

  /** The entry for mkdir(2), rename(2) and similar calls. -errno if its folder can't be reached. */
  entry(path: string, from: Node): Entry | number {
    if (path === "") return -ERRNO.ENOENT;
    if (Buffer.byteLength(path) >= PATH_MAX) return -ERRNO.ENAMETOOLONG;
    const trimmed = path.replace(/\/+$/, "");
    const cut = trimmed.lastIndexOf("/") + 1;
    const name = trimmed.slice(cut);
    const above = trimmed.slice(0, cut) || (trimmed === "" ? "/" : ".");
    const place = this.resolve(above, { from, beneath: false, refuseLinks: false, followLast: true });
    if (typeof place === "number") return place;
    const folder = place.node;
    if (!folder) return -ERRNO.ENOENT;
    if (!folder.is(S_IFDIR)) return -ERRNO.ENOTDIR;
    if (!folder.permits(1)) return -ERRNO.EACCES;
    const isTooLong = Buffer.byteLength(name) > NAME_MAX;
    return { folder, name, node: folder.entries.get(name) ?? null, slash: trimmed.length < path.length, isTooLong };
  }

  /** Whether it is a removed folder. Nothing can be created in it through an open descriptor. */
  isGone(folder: Node): boolean {
    return folder.parent === null && folder !== this.root;
  }

  /** path_resolution(7) and openat2(2). -errno if it fails before the last component. */
  resolve(path: string, walk: Walk): Place | number {
    if (path === "") return -ERRNO.ENOENT;
    if (Buffer.byteLength(path) >= PATH_MAX) return -ERRNO.ENAMETOOLONG;
    if (path.startsWith("/") && walk.beneath) return -ERRNO.EXDEV;
    return this.follow(path.split("/"), path.startsWith("/") ? this.root : walk.from, walk);
  }

  private follow(left: string[], start: Node, walk: Walk): Place | number {
    let place: Place = { folder: start, name: ".", node: start };
    for (let links = 0; left.length > 0; ) {
      const name = left.shift()!;
      const here = place.node;
      if (!here) return -ERRNO.ENOENT;
      if (!here.is(S_IFDIR)) return -ERRNO.ENOTDIR;
      if (name === "" || name === ".") continue;
      if (!here.permits(1)) return -ERRNO.EACCES;
      if (Buffer.byteLength(name) > NAME_MAX) return -ERRNO.ENAMETOOLONG;
      if (name === "..") {
        if (walk.beneath && here === walk.from) return -ERRNO.EXDEV;
        const above: Node = here.parent ?? here;
        place = { folder: above, name: ".", node: above };
        continue;
      }
      const node: Node | null = here.entries.get(name) ?? null;
      if (!node?.is(S_IFLNK) || (left.length === 0 && !walk.followLast)) {
        place = { folder: here, name, node };
        continue;
      }
      if (walk.refuseLinks || ++links > MAX_LINKS) return -ERRNO.ELOOP;
      if (node.target.startsWith("/")) {
        if (walk.beneath) return -ERRNO.EXDEV;
        place = { folder: this.root, name: ".", node: this.root };
      } else place = { folder: here, name: ".", node: here };
      left = [...node.target.split("/"), ...left];
    }
    return place;
  }

  // For tests: absolute paths; missing folders are created.

  /** The node at `path`, links in between followed; null: there is none. */
  at(path: string): Node | null {
    const place = this.resolve(path, { from: this.root, beneath: false, refuseLinks: false, followLast: false });
    return typeof place === "number" ? null : place.node;
  }

  folder(path: string, permissions = 0o755): Node {
    let node = this.root;
    for (const name of path.split("/").filter((part) => part !== "")) {
      node = node.entries.get(name) ?? this.attach(node, name, this.make(S_IFDIR | 0o755));
    }
    node.mode = S_IFDIR | permissions;
    return node;
  }

  /** Creates a regular file, which replaces an existing one. */
  file(path: string, content: string | Buffer, permissions = 0o644): Node {
    const node = this.place(path, S_IFREG | permissions);
    node.content = Buffer.from(content as string);
    return node;
  }

  link(path: string, target: string): Node {
    const node = this.place(path, S_IFLNK | 0o777);
    node.target = target;
    return node;
  }

  fifo(path: string): Node {
    return this.place(path, S_IFIFO | 0o644);
  }

  remove(path: string): void {
    const slash = path.lastIndexOf("/");
    this.detach(this.folder(path.slice(0, slash)), path.slice(slash + 1));
  }

  private place(path: string, mode: number): Node {
    const slash = path.lastIndexOf("/");
    return this.attach(this.folder(path.slice(0, slash)), path.slice(slash + 1), this.make(mode));
  }
}
