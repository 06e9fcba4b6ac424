/** The file calls of the simulated kernel: open files on the tree of tree.ts, with faults. */
import * as abi from "../../ffi/abi.ts";
import { ERRNO } from "../../ffi/errno.ts";
import type { FileStatus, LinkPolicy } from "../../ffi/kernel.ts";
import type { Block } from "../../ffi/memory.ts";
import { Description, type Descriptors, Misuse } from "./descriptors.ts";
import type { Faults } from "./faults.ts";
import { type Node, type Place, S_IFIFO, Tree, type Walk } from "./tree.ts";

const ACCESS = 3; // O_ACCMODE
const DEVICE = 2049;

/** An open file, folder or FIFO, or an O_PATH handle to anything. */
export class OpenFile extends Description {
  position = 0;
  constructor(
    readonly node: Node,
    readonly flags: number,
  ) {
    super();
  }
  describe(): string {
    return `the file ${this.node.path}`;
  }
  closed(): void {}

  /** Throws unless it is open for `what`. */
  demand(what: "reading" | "writing"): void {
    const access = this.flags & ACCESS;
    const fits = what === "reading" ? access !== abi.O_WRONLY : access !== abi.O_RDONLY;
    if (this.flags & abi.O_PATH || !fits) throw new Misuse(`${this.describe()} is not open for ${what}`);
  }
}

export class Files {
  readonly tree: Tree;

  constructor(
    private readonly descriptors: Descriptors,
    private readonly faults: Faults,
    private readonly now: () => number,
  ) {
    this.tree = new Tree(now);
  }

  open(path: string, flags: number, mode: number): number {
    return this.openAt(path, flags, mode, {
      from: this.tree.root,
      beneath: false,
      refuseLinks: false,
      followLast: (flags & abi.O_NOFOLLOW) === 0,
    });
  }

  openBeneath(directory: number, path: string, flags: number, mode: number, links: LinkPolicy): number {
    return this.openAt(path, flags, mode, {
      from: this.start(directory),
      beneath: links !== "follow",
      refuseLinks: links === "deny",
      followLast: (flags & abi.O_NOFOLLOW) === 0,
    });
  }

  private openAt(path: string, flags: number, mode: number, walk: Walk): number {
    if (path.includes("\0")) throw new Misuse(`a path with NUL: ${JSON.stringify(path)}`);
    if (this.faults.strikes("EMFILE")) return -ERRNO.EMFILE;
    if (this.faults.strikes("ENFILE")) return -ERRNO.ENFILE;
    const place = this.tree.resolve(path, walk);
    if (typeof place === "number") return place;
    const node = this.openable(place, flags, mode);
    if (typeof node === "number") return node;
    const file = new OpenFile(node, flags);
    const fd = this.descriptors.open(file);
    if (fd >= 0 && flags & abi.O_TRUNC && node.is(abi.S_IFREG)) this.truncate(node, 0);
    return fd;
  }

  /** What is to be opened at `place`, made if O_CREAT asks for it; -errno when it must not be opened so. */
  private openable(place: Place, flags: number, mode: number): Node | number {
    if (!place.node) return flags & abi.O_CREAT ? this.create(place, mode) : -ERRNO.ENOENT;
    const { node } = place;
    const writes = (flags & ACCESS) !== abi.O_RDONLY && !(flags & abi.O_PATH);
    if (flags & abi.O_CREAT && flags & abi.O_EXCL) return -ERRNO.EEXIST;
    if (flags & abi.O_DIRECTORY && !node.is(abi.S_IFDIR)) return -ERRNO.ENOTDIR;
    if (flags & abi.O_PATH) return node;
    if (node.is(abi.S_IFLNK)) return -ERRNO.ELOOP;
    if (node.is(abi.S_IFDIR) && (writes || flags & abi.O_CREAT)) return -ERRNO.EISDIR;
    if (node.is(S_IFIFO) && (flags & ACCESS) === abi.O_WRONLY) return -ERRNO.ENXIO; // nobody reads it
    const rights = ((flags & ACCESS) !== abi.O_WRONLY ? 4 : 0) | (writes ? 2 : 0);
    return node.permits(rights) ? node : -ERRNO.EACCES;
  }

  private create(place: Place, mode: number): Node | number {
    if (!place.folder.permits(2)) return -ERRNO.EACCES;
    if (this.faults.strikes("ENOSPC")) return -ERRNO.ENOSPC;
    return this.tree.attach(place.folder, place.name, this.tree.make(abi.S_IFREG | (mode & 0o777)));
  }

  fstat(fd: number, into: FileStatus): number {
    const { node } = this.descriptors.expect(fd, OpenFile);
    into.mode = node.mode;
    into.size = node.is(abi.S_IFDIR)
      ? 4096
      : node.is(abi.S_IFLNK)
        ? Buffer.byteLength(node.target)
        : node.content.length;
    into.mtimeSeconds = Math.floor(node.mtime / 1000);
    into.mtimeNanoseconds = Math.floor((node.mtime - into.mtimeSeconds * 1000) * 1e6);
    into.inode = node.inode;
    into.device = DEVICE;
    return 0;
  }

  read(fd: number, block: Block, offset: number, length: number, position: number): number {
    const file = this.descriptors.expect(fd, OpenFile);
    file.demand("reading");
    if (file.node.is(abi.S_IFDIR)) return -ERRNO.EISDIR;
    if (this.faults.strikes("EIO")) return -ERRNO.EIO;
    const from = position < 0 ? file.position : position;
    let count = Math.max(0, Math.min(length, file.node.content.length - from));
    if (count > 1 && this.faults.strikes("short read")) count = this.faults.shorter(count);
    file.node.content.copy(block.bytes, offset, from, from + count);
    if (position < 0) file.position += count;
    return count;
  }

  /** What sendfile(2) would move: at most `length` bytes from `position`; or -errno. */
  content(fd: number, position: number, length: number): Buffer | number {
    const file = this.descriptors.expect(fd, OpenFile);
    file.demand("reading");
    if (!file.node.is(abi.S_IFREG)) return -ERRNO.EINVAL;
    if (this.faults.strikes("EIO")) return -ERRNO.EIO;
    return file.node.content.subarray(position, position + length);
  }

  write(fd: number, block: Block, offset: number, length: number): number {
    const file = this.descriptors.expect(fd, OpenFile);
    file.demand("writing");
    if (this.faults.strikes("ENOSPC")) return -ERRNO.ENOSPC;
    const { node } = file;
    const count = length > 1 && this.faults.strikes("short write") ? this.faults.shorter(length) : length;
    if (file.flags & abi.O_APPEND) file.position = node.content.length;
    if (node.content.length < file.position + count) this.truncate(node, file.position + count);
    block.bytes.copy(node.content, file.position, offset, offset + count);
    file.position += count;
    node.mtime = this.now();
    return count;
  }

  /** Cuts a file, or adds zeros to it. */
  truncate(node: Node, length: number): void {
    const content = Buffer.alloc(length);
    node.content.copy(content);
    node.content = content;
    node.mtime = this.now();
  }

  getdents(fd: number, block: Block): number {
    const file = this.descriptors.expect(fd, OpenFile);
    file.demand("reading");
    if (!file.node.is(abi.S_IFDIR)) return -ERRNO.ENOTDIR;
    const { bytes } = block;
    const names: [string, Node][] = [[".", file.node], ["..", file.node.parent ?? file.node], ...file.node.entries];
    let at = 0;
    for (; file.position < names.length; file.position++) {
      const [name, node] = names[file.position]!;
      const size = Math.ceil((abi.DIRENT64.name + Buffer.byteLength(name) + 1) / 8) * 8;
      if (at + size > bytes.length) return at === 0 ? -ERRNO.EINVAL : at;
      bytes.fill(0, at, at + size);
      bytes.writeBigUInt64LE(BigInt(node.inode), at);
      bytes.writeUInt16LE(size, at + abi.DIRENT64.length);
      bytes[at + abi.DIRENT64.type] = (node.mode & abi.S_IFMT) >> 12;
      bytes.write(name, at + abi.DIRENT64.name, "utf8");
      at += size;
    }
    return at;
  }

  unlink(directory: number, name: string): number {
    const place = this.tree.resolve(name, this.walkFrom(directory));
    if (typeof place === "number") return place;
    if (!place.node) return -ERRNO.ENOENT;
    if (place.node.is(abi.S_IFDIR)) return -ERRNO.EISDIR;
    if (!place.folder.permits(3)) return -ERRNO.EACCES;
    this.tree.detach(place.folder, place.name);
    return 0;
  }

  readlink(directory: number, name: string, into: string[]): number {
    if (name === "/proc/self/cwd") return (into[0] = "/").length;
    const own = /^\/proc\/self\/fd\/(\d+)$/.exec(name);
    if (own) {
      into[0] = this.descriptors.expect(Number(own[1]), OpenFile).node.path;
      return Buffer.byteLength(into[0]);
    }
    const place = this.tree.resolve(name, this.walkFrom(directory));
    if (typeof place === "number") return place;
    if (!place.node) return -ERRNO.ENOENT;
    if (!place.node.is(abi.S_IFLNK)) return -ERRNO.EINVAL;
    into[0] = place.node.target;
    return Buffer.byteLength(place.node.target);
  }

  private walkFrom(directory: number): Walk {
    return { from: this.start(directory), beneath: false, refuseLinks: false, followLast: false };
  }

  private start(directory: number): Node {
    return directory === abi.AT_FDCWD ? this.tree.root : this.descriptors.expect(directory, OpenFile).node;
  }
}
