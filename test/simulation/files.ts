/** The file calls of the simulated kernel: open files on the tree of tree.ts, with faults. */
import * as abi from "../../ffi/abi.ts";
import { ERRNO } from "../../ffi/errno.ts";
import type { FileStatus, LinkPolicy } from "../../ffi/kernel.ts";
import { Block } from "../../ffi/memory.ts";
import { type Descriptors, Misuse } from "./descriptors.ts";
import type { Faults } from "./faults.ts";
import { Names, UMASK } from "./names.ts";
import { ACCESS, OpenFile } from "./open-file.ts";
import { type Node, type Place, Tree, type Walk } from "./tree.ts";

const DEVICE = 2049;
/** The server's user and group. */
const OWNER = 1000;
/** O_CREAT with O_EXCL follows no link: open(2). */
const EXCLUSIVE = abi.O_CREAT | abi.O_EXCL;
const follows = (flags: number): boolean => (flags & abi.O_NOFOLLOW) === 0 && (flags & EXCLUSIVE) !== EXCLUSIVE;

export class Files {
  readonly tree: Tree;
  readonly names: Names;
  /** Bytes that the disk says are free. */
  free = 2 ** 40;

  constructor(
    private readonly descriptors: Descriptors,
    private readonly faults: Faults,
    private readonly now: () => number,
  ) {
    this.tree = new Tree(now);
    this.names = new Names(this.tree, descriptors, faults);
  }

  open(path: string, flags: number, mode: number): number {
    return this.openAt(path, flags, mode, {
      from: this.tree.root,
      beneath: false,
      refuseLinks: false,
      followLast: follows(flags),
    });
  }

  openBeneath(directory: number, path: string, flags: number, mode: number, links: LinkPolicy): number {
    return this.openAt(path, flags, mode, {
      from: this.names.start(directory),
      beneath: links !== "follow",
      refuseLinks: links === "deny",
      followLast: follows(flags),
    });
  }

  private openAt(path: string, flags: number, mode: number, walk: Walk): number {
    if (path.includes("\0")) throw new Misuse(`a path with NUL: ${JSON.stringify(path)}`);
    if (this.faults.strikes("EMFILE")) return -ERRNO.EMFILE;
    if (this.faults.strikes("ENFILE")) return -ERRNO.ENFILE;
    const madeAsFolder = (flags & abi.O_CREAT) !== 0 && path.endsWith("/");
    const place = madeAsFolder
      ? this.tree.resolve(path.replace(/\/+$/, ""), { ...walk, followLast: false })
      : this.tree.resolve(path, walk);
    if (typeof place === "number") return place;
    if (madeAsFolder) return -ERRNO.EISDIR;
    const node = this.openable(place, flags, mode);
    if (typeof node === "number") return node;
    const file = new OpenFile(node, flags);
    const fd = this.descriptors.open(file);
    if (fd >= 0 && flags & abi.O_TRUNC && node.is(abi.S_IFREG)) this.truncate(node, 0);
    return fd;
  }

  /** The node to open at `place`; O_CREAT creates it. -errno if the flags or rights do not allow it. */
  private openable(place: Place, flags: number, mode: number): Node | number {
    if (!place.node) return flags & abi.O_CREAT ? this.create(place, mode) : -ERRNO.ENOENT;
    const { node } = place;
    const writes = (flags & ACCESS) !== abi.O_RDONLY && !(flags & abi.O_PATH);
    if (flags & abi.O_CREAT && flags & abi.O_EXCL) return -ERRNO.EEXIST;
    if (flags & abi.O_DIRECTORY && !node.is(abi.S_IFDIR)) return -ERRNO.ENOTDIR;
    if (flags & abi.O_PATH) return node;
    if (node.is(abi.S_IFLNK)) return -ERRNO.ELOOP;
    if (node.is(abi.S_IFDIR) && (writes || flags & abi.O_CREAT)) return -ERRNO.EISDIR;
    if (node.is(abi.S_IFIFO) && (flags & ACCESS) === abi.O_WRONLY) return -ERRNO.ENXIO; // the FIFO has no reader
    const rights = ((flags & ACCESS) !== abi.O_WRONLY ? 4 : 0) | (writes ? 2 : 0);
    return node.permits(rights) ? node : -ERRNO.EACCES;
  }

  private create(place: Place, mode: number): Node | number {
    const refused = this.names.refusal(place.folder, "adds");
    if (refused < 0) return refused;
    return this.tree.attach(place.folder, place.name, this.tree.make(abi.S_IFREG | (mode & 0o777 & ~UMASK)));
  }

  fstat(fd: number, into: FileStatus): number {
    return this.describe(this.descriptors.expect(fd, OpenFile).node, into);
  }

  stat(path: string, into: FileStatus): number {
    if (path.includes("\0")) throw new Misuse(`a path with NUL: ${JSON.stringify(path)}`);
    const place = this.tree.resolve(path, {
      from: this.tree.root,
      beneath: false,
      refuseLinks: false,
      followLast: true,
    });
    if (typeof place === "number") return place;
    return place.node ? this.describe(place.node, into) : -ERRNO.ENOENT;
  }

  private describe(node: Node, into: FileStatus): number {
    into.mode = node.mode;
    into.size = node.is(abi.S_IFDIR)
      ? 4096
      : node.is(abi.S_IFLNK)
        ? Buffer.byteLength(node.target)
        : node.content.length;
    into.mtimeSeconds = Math.floor(node.mtime / 1000);
    into.mtimeNanoseconds = Math.floor((node.mtime - into.mtimeSeconds * 1000) * 1e6);
    into.ctimeSeconds = Math.floor(node.ctime / 1000);
    into.ctimeNanoseconds = Math.floor((node.ctime - into.ctimeSeconds * 1000) * 1e6);
    into.user = into.group = OWNER;
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
    if (count > 0) file.node.content.copy(block.bytes, offset, from, from + count);
    if (position < 0) file.position += count;
    return count;
  }

  /** The bytes that sendfile(2) would copy, at most `length` from `position`; or -errno. */
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
    const failure = this.faults.failure("ENOSPC", "EDQUOT", "EIO in writing");
    if (failure < 0) return failure;
    const { node } = file;
    const count = length > 1 && this.faults.strikes("short write") ? this.faults.shorter(length) : length;
    if (file.flags & abi.O_APPEND) file.position = node.content.length;
    if (node.content.length < file.position + count) this.truncate(node, file.position + count);
    block.bytes.copy(node.content, file.position, offset, offset + count);
    file.position += count;
    node.mtime = node.ctime = this.now();
    return count;
  }

  /** sendfile(2) to a file: appends bytes of another file. Linux refuses a target opened with O_APPEND. */
  copyInto(fd: number, content: Buffer | number): number {
    if (typeof content === "number") return content;
    if (this.descriptors.expect(fd, OpenFile).flags & abi.O_APPEND) return -ERRNO.EINVAL;
    if (content.length === 0) return 0;
    const block = new Block(content.length);
    content.copy(block.bytes);
    return this.write(fd, block, 0, content.length);
  }

  /** Shortens a file, or extends it with zeros. */
  truncate(node: Node, length: number): void {
    const content = Buffer.alloc(length);
    node.content.copy(content);
    node.content = content;
    node.mtime = node.ctime = this.now();
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

  /** fallocate(2). The simulated disk has no size; only the faults matter. */
  allocate(fd: number, length: number): number {
    const file = this.descriptors.expect(fd, OpenFile);
    file.demand("writing");
    if (length < 1) throw new Misuse(`fallocate of ${length} bytes`);
    return this.faults.failure("ENOSPC", "EDQUOT");
  }

  cut(fd: number, length: number): number {
    const file = this.descriptors.expect(fd, OpenFile);
    file.demand("writing");
    const failure = this.faults.failure("EIO in writing");
    if (failure === 0) this.truncate(file.node, length);
    return failure;
  }

  fchmod(fd: number, mode: number): number {
    const { node, flags } = this.descriptors.expect(fd, OpenFile);
    if (flags & abi.O_PATH) throw new Misuse(`fchmod of a handle to ${node.path}`);
    const failure = this.faults.failure("EROFS", "EIO in writing");
    if (failure < 0) return failure;
    node.mode = (node.mode & abi.S_IFMT) | (mode & 0o7777);
    node.ctime = this.now();
    return 0;
  }

  /** fchown(2): the server cannot change the owner of its files to another user. */
  fchown(fd: number, user: number, group: number): number {
    const { node, flags } = this.descriptors.expect(fd, OpenFile);
    if (flags & abi.O_PATH) throw new Misuse(`fchown of a handle to ${node.path}`);
    return user === OWNER && group === OWNER ? 0 : -ERRNO.EPERM;
  }

  futimens(fd: number, seconds: number, nanoseconds: number): number {
    const { node, flags } = this.descriptors.expect(fd, OpenFile);
    if (flags & abi.O_PATH) throw new Misuse(`futimens of a handle to ${node.path}`);
    if (nanoseconds < 0 || nanoseconds >= 1e9) throw new Misuse(`futimens with ${nanoseconds} ns`);
    const failure = this.faults.failure("EROFS", "EIO in writing");
    if (failure < 0) return failure;
    node.mtime = seconds * 1000 + nanoseconds / 1e6;
    node.ctime = this.now();
    return 0;
  }

  getAttribute(fd: number, name: string, block: Block, offset: number, length: number): number {
    const { node, flags } = this.descriptors.expect(fd, OpenFile);
    if (flags & abi.O_PATH) throw new Misuse(`fgetxattr of a handle to ${node.path}`);
    const value = node.attributes.get(name);
    if (value === undefined) return -ERRNO.ENODATA;
    return value.length > length ? -ERRNO.ERANGE : value.copy(block.bytes, offset);
  }

  setAttribute(fd: number, name: string, block: Block, offset: number, length: number): number {
    const { node, flags } = this.descriptors.expect(fd, OpenFile);
    if (flags & abi.O_PATH) throw new Misuse(`fsetxattr of a handle to ${node.path}`);
    const failure = this.faults.failure("EROFS", "EIO in writing", "ENOSPC", "EDQUOT");
    if (failure < 0) return failure;
    node.attributes.set(name, Buffer.from(block.bytes.subarray(offset, offset + length)));
    node.ctime = this.now();
    return 0;
  }

  flock(fd: number): number {
    const file = this.descriptors.expect(fd, OpenFile);
    if (file.flags & abi.O_PATH) throw new Misuse(`flock of a handle to ${file.node.path}`);
    if (file.node.lockedBy !== null && file.node.lockedBy !== file) return -ERRNO.EAGAIN;
    file.node.lockedBy = file;
    return 0;
  }
}
