/**
 * The Kernel of a real Linux: each method is one libc call, described in the manual page of that name. Only epollWait
 * passes EINTR on, where it means that a signal arrived. Calls on non-blocking descriptors do not get EINTR, and calls on
 * files are repeated.
 */
import type { Pointer } from "bun:ffi";
import * as abi from "./abi.ts";
import { ERRNO } from "./errno.ts";
import type { FileStatus, Kernel } from "./kernel.ts";
import { errno, libc } from "./libc.ts";
import { Block, CString } from "./memory.ts";
import { beneath, FILE_FLAGS } from "./paths/beneath.ts";
import { renaming } from "./paths/rename.ts";
import { spawn } from "./spawn.ts";
import { decodeName } from "./text.ts";

const at = (block: Block, offset: number): Pointer => (block.address + offset) as Pointer;
const result = (n: number): number => (n < 0 ? -errno[0]! : n);

/** Memory for the path argument of a call. One is enough, because every call is synchronous; only calls with two paths need another. */
const name = new CString();
const cString = (text: string): Pointer => name.of(text) as Pointer;
const newName = new CString();

/** Memory for small arguments and results that are passed by address; shared by all calls for the same reason. Offsets are in bytes. */
const scratch = new Block(512);
const words = new Int32Array(scratch.bytes.buffer);
const unsigned = new Uint32Array(scratch.bytes.buffer);
/** An int, a socklen_t, a struct epoll_event. */
const SMALL = at(scratch, 0);
/** An off_t, a struct rlimit, a struct open_how, two struct timespec: fields of 64 bits. */
const WIDE_AT = 64;
const ACCESSED_AT = WIDE_AT;
const MODIFIED_AT = WIDE_AT + 16;
const WIDE = at(scratch, WIDE_AT);
const STATX_AT = 128;
const STATX = at(scratch, STATX_AT);
/** An empty string: the last byte of `scratch` always stays 0. */
const EMPTY_PATH = at(scratch, 511);
const linkTarget = new Block(abi.PATH_MAX);

const SEND_FLAGS = abi.MSG_NOSIGNAL | abi.MSG_DONTWAIT;

/** The most that one read or write moves on Linux (read(2)), so a count always fits 32 bits. */
const MAX_COUNT = 0x7ffff000;
/** Replaces RLIM_INFINITY and other huge limits by a number the server can calculate with. */
const UNLIMITED = 1_000_000_000;

/** Stores a number below 2^53 as 64 bits. A BigInt would cost more than some of the calls. */
function setWide(offset: number, value: number): void {
  words[offset >> 2] = value;
  words[(offset >> 2) + 1] = value / 2 ** 32;
}

const word = (offset: number): number => unsigned[offset >> 2]!;
const wide = (offset: number): number => word(offset) + word(offset + 4) * 2 ** 32;
const signedWide = (offset: number): number => word(offset) + words[(offset >> 2) + 1]! * 2 ** 32;

/** Repeats a call on a file that a signal interrupted. */
function restarting(call: () => number): number {
  for (;;) {
    const n = result(call());
    if (n !== -ERRNO.EINTR) return n;
  }
}

function openat2(directory: number, path: string, flags: number, mode: number, resolve: number): number {
  setWide(WIDE_AT, flags);
  setWide(WIDE_AT + 8, mode);
  setWide(WIDE_AT + 16, resolve);
  return result(libc.syscall(abi.SYS_openat2, directory, cString(path), WIDE, abi.OPEN_HOW, null));
}

function openat(directory: number, path: string, flags: number, mode: number): number {
  const pointer = cString(path);
  return restarting(() => libc.openat(directory, pointer, flags | FILE_FLAGS, mode));
}

const close = (fd: number): number => result(libc.close(fd));

function readlink(directory: number, path: string, into: string[]): number {
  const n = result(libc.readlinkat(directory, cString(path), at(linkTarget, 0), abi.PATH_MAX));
  if (n >= 0) into[0] = decodeName(linkTarget.bytes, 0, n);
  return n;
}

function fstat(fd: number, into: FileStatus): number {
  return statx(fd, EMPTY_PATH, abi.AT_EMPTY_PATH, into);
}

/** struct statvfs begins alike on all 64-bit machines: f_bsize, f_frsize, f_blocks, f_bfree, f_bavail, 8 bytes each. */
const STATVFS = new Block(128);

function freeSpace(fd: number): number {
  const n = result(libc.fstatvfs(fd, STATVFS.address as Pointer));
  if (n < 0) return n;
  return Number(STATVFS.bytes.readBigUInt64LE(8)) * Number(STATVFS.bytes.readBigUInt64LE(32));
}

const stat = (path: string, into: FileStatus): number => statx(abi.AT_FDCWD, cString(path), 0, into);

function statx(directory: number, path: Pointer, flags: number, into: FileStatus): number {
  const n = result(libc.syscall(abi.SYS_statx, directory, path, flags, abi.STATX_BASIC_STATS, STATX));
  if (n < 0) return n;
  into.mode = word(STATX_AT + abi.STATX.mode) & 0xffff;
  into.inode = wide(STATX_AT + abi.STATX.inode);
  into.size = wide(STATX_AT + abi.STATX.fileSize);
  into.mtimeSeconds = signedWide(STATX_AT + abi.STATX.mtimeSeconds);
  into.mtimeNanoseconds = word(STATX_AT + abi.STATX.mtimeNanoseconds);
  into.ctimeSeconds = signedWide(STATX_AT + abi.STATX.ctimeSeconds);
  into.ctimeNanoseconds = word(STATX_AT + abi.STATX.ctimeNanoseconds);
  into.user = word(STATX_AT + abi.STATX.user);
  into.group = word(STATX_AT + abi.STATX.group);
  into.device = word(STATX_AT + abi.STATX.deviceMajor) * 2 ** 20 + word(STATX_AT + abi.STATX.deviceMinor);
  return 0;
}

function unlinkat(directory: number, path: string, flags: number): number {
  const pointer = cString(path);
  return restarting(() => libc.unlinkat(directory, pointer, flags));
}

function renameat2(fromDirectory: number, from: string, toDirectory: number, to: string, flags: number): number {
  const [old, fresh] = [cString(from), newName.of(to)];
  return restarting(() => libc.syscall(abi.SYS_renameat2, fromDirectory, old, toDirectory, fresh, flags as Pointer));
}

function linkat(fromDirectory: number, from: string, toDirectory: number, to: string): number {
  const [old, fresh] = [cString(from), newName.of(to) as Pointer];
  return restarting(() => libc.linkat(fromDirectory, old, toDirectory, fresh, 0));
}

function epollControl(epoll: number, operation: number, fd: number, events: number, generation: number): number {
  words[abi.EPOLL_EVENT.events] = events;
  words[abi.EPOLL_EVENT.fd] = fd;
  words[abi.EPOLL_EVENT.generation] = generation;
  return result(libc.epoll_ctl(epoll, operation, fd, SMALL));
}

export const linux: Kernel = {
  socket: (family, type) => result(libc.socket(family, type | abi.SOCK_NONBLOCK | abi.SOCK_CLOEXEC, 0)),
  setsockopt(fd, level, name, value) {
    words[0] = value;
    return result(libc.setsockopt(fd, level, name, SMALL, 4));
  },
  getsockopt(fd, level, name) {
    words[1] = 4;
    const n = result(libc.getsockopt(fd, level, name, SMALL, at(scratch, 4)));
    return n < 0 ? n : words[0]!;
  },
  tcpInfo(fd, into) {
    words[0] = into.bytes.length;
    const n = result(libc.getsockopt(fd, abi.IPPROTO_TCP, abi.TCP_INFO, at(into, 0), SMALL));
    return n < 0 ? n : words[0]!;
  },
  bind: (fd, address, length) => result(libc.bind(fd, at(address, 0), length)),
  connect: (fd, address, length) => result(libc.connect(fd, at(address, 0), length)),
  listen: (fd, backlog) => result(libc.listen(fd, backlog)),
  accept(fd, address) {
    words[0] = address.bytes.length;
    return result(libc.accept4(fd, at(address, 0), SMALL, abi.SOCK_NONBLOCK | abi.SOCK_CLOEXEC));
  },
  getsockname(fd, address) {
    words[0] = address.bytes.length;
    const n = result(libc.getsockname(fd, at(address, 0), SMALL));
    return n < 0 ? n : words[0]!;
  },
  recv: (fd, block, offset, length) => result(libc.recv(fd, at(block, offset), length, 0)),
  send: (fd, block, offset, length) => result(libc.send(fd, at(block, offset), length, SEND_FLAGS)),
  sendfile(socket, source, position, length) {
    setWide(WIDE_AT, position);
    return result(libc.sendfile(socket, source, WIDE, Math.min(length, MAX_COUNT)));
  },
  shutdownWrite: (fd) => result(libc.shutdown(fd, abi.SHUT_WR)),
  close,
  resetOnClose(fd) {
    words[0] = 1; // struct linger: on, for no second
    words[1] = 0;
    return result(libc.setsockopt(fd, abi.SOL_SOCKET, abi.SO_LINGER, SMALL, 8));
  },

  epollCreate: () => result(libc.epoll_create1(abi.EPOLL_CLOEXEC)),
  epollAdd: (epoll, fd, events, generation) => epollControl(epoll, abi.EPOLL_CTL_ADD, fd, events, generation),
  epollModify: (epoll, fd, events, generation) => epollControl(epoll, abi.EPOLL_CTL_MOD, fd, events, generation),
  epollRemove: (epoll, fd) => epollControl(epoll, abi.EPOLL_CTL_DEL, fd, 0, 0),
  epollWait: (epoll, events, capacity, timeout) => result(libc.epoll_wait(epoll, at(events, 0), capacity, timeout)),

  open: (path, flags, mode) => openat(abi.AT_FDCWD, path, flags, mode),
  openBeneath: beneath(openat2, { openat, readlink, close }),
  fstat,
  freeSpace,
  stat,
  read: (fd, block, offset, length, position) =>
    restarting(() =>
      position < 0 ? libc.read(fd, at(block, offset), length) : libc.pread(fd, at(block, offset), length, position),
    ),
  write: (fd, block, offset, length) => restarting(() => libc.write(fd, at(block, offset), length)),
  getdents: (fd, block) => result(libc.syscall(abi.SYS_getdents64, fd, at(block, 0), block.bytes.length, 0, null)),
  chmod(path, mode) {
    const pointer = cString(path);
    return restarting(() => libc.chmod(pointer, mode));
  },
  unlink: (directory, path) => unlinkat(directory, path, 0),
  mkdir(directory, path, mode) {
    const pointer = cString(path);
    return restarting(() => libc.mkdirat(directory, pointer, mode));
  },
  rmdir: (directory, path) => unlinkat(directory, path, abi.AT_REMOVEDIR),
  rename: renaming({ renameat2, linkat, unlinkat: (directory, path) => unlinkat(directory, path, 0) }),
  allocate: (fd, position, length) => restarting(() => libc.fallocate(fd, abi.FALLOC_FL_KEEP_SIZE, position, length)),
  truncate: (fd, length) => restarting(() => libc.ftruncate(fd, length)),
  fchmod: (fd, mode) => restarting(() => libc.fchmod(fd, mode)),
  fchown: (fd, user, group) => restarting(() => libc.fchown(fd, user, group)),
  futimens(fd, seconds, nanoseconds) {
    setWide(ACCESSED_AT, 0);
    setWide(ACCESSED_AT + 8, abi.UTIME_OMIT);
    setWide(MODIFIED_AT, seconds);
    setWide(MODIFIED_AT + 8, nanoseconds);
    return restarting(() => libc.futimens(fd, WIDE));
  },
  getAttribute(fd, attribute, block, offset, length) {
    const pointer = cString(attribute);
    return restarting(() => libc.fgetxattr(fd, pointer, at(block, offset), length));
  },
  setAttribute(fd, attribute, block, offset, length) {
    const pointer = cString(attribute);
    return restarting(() => libc.fsetxattr(fd, pointer, at(block, offset), length, 0));
  },
  flock: (fd) => restarting(() => libc.flock(fd, abi.LOCK_EX | abi.LOCK_NB)),
  readlink,

  pipe(into, ours) {
    const n = result(libc.pipe2(SMALL, abi.O_CLOEXEC));
    if (n < 0) return n;
    into[0] = words[0]!;
    into[1] = words[1]!;
    return result(libc.fcntl(into[ours]!, abi.F_SETFL, abi.O_NONBLOCK));
  },
  spawn,
  pidfdOpen: (pid) => result(libc.syscall(abi.SYS_pidfd_open, pid, null, 0, 0, null)),
  wait(pid) {
    const n = restarting(() => libc.waitpid(pid, SMALL, abi.WNOHANG));
    return n > 0 ? words[0]! : n === 0 ? -ERRNO.EAGAIN : n;
  },

  tcgetattr: (fd, into) => result(libc.tcgetattr(fd, at(into, 0))),
  tcsetattr: (fd, from) => restarting(() => libc.tcsetattr(fd, abi.TCSAFLUSH, at(from, 0))),

  monotonic: () => performance.now(),
  realtime: () => Date.now(),
  getrandom: (block, offset, length) => restarting(() => libc.getrandom(at(block, offset), length, 0)),
  getpid: () => process.pid,
  kill: (pid, signal) => result(libc.kill(pid, signal)),
  descriptorLimit() {
    const n = result(libc.getrlimit(abi.RLIMIT_NOFILE, WIDE));
    return n < 0 ? n : Math.min(wide(WIDE_AT), UNLIMITED);
  },
  setDescriptorLimit(limit) {
    const n = result(libc.getrlimit(abi.RLIMIT_NOFILE, WIDE));
    if (n < 0) return n;
    setWide(WIDE_AT, limit);
    if (wide(WIDE_AT + 8) < limit) setWide(WIDE_AT + 8, limit);
    return result(libc.setrlimit(abi.RLIMIT_NOFILE, WIDE));
  },
};
