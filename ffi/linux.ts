/**
 * The Kernel of a real Linux: each method is one libc call, its truth is the manual page of that name. EINTR is
 * passed on only by epollWait, where it means that a signal has come; elsewhere calls on non-blocking descriptors do not get it,
 * and those on files are repeated.
 */
import type { Pointer } from "bun:ffi";
import * as abi from "./abi.ts";
import { ERRNO } from "./errno.ts";
import type { FileStatus, Kernel, LinkPolicy } from "./kernel.ts";
import { errno, libc } from "./libc.ts";
import { Block, cString } from "./memory.ts";
import { walkBeneath } from "./walk.ts";

const at = (block: Block, offset: number): Pointer => (block.address + offset) as Pointer;
const result = (n: number): number => (n < 0 ? -errno[0]! : n);

/** Small arguments and results by address; every call is synchronous, so one of each is enough. */
const scratch = new Block(512);
const words = new Int32Array(scratch.bytes.buffer, 0, 16);
const doubles = new BigInt64Array(scratch.bytes.buffer, 64, 8);
const WORDS = at(scratch, 0);
const DOUBLES = at(scratch, 64);
const STATX_AT = 128;
const emptyPath = cString("");

/** openat2(2) is missing in Linux before 5.6 and refused by old seccomp filters; learnt at the first call. */
let hasOpenat2 = true;

const FILE_FLAGS = abi.O_CLOEXEC | abi.O_NONBLOCK | abi.O_NOCTTY;
const RESOLVE = {
  inside: abi.RESOLVE_BENEATH | abi.RESOLVE_NO_MAGICLINKS,
  deny: abi.RESOLVE_BENEATH | abi.RESOLVE_NO_SYMLINKS,
} as const;

/** Repeats a call on a file that a signal interrupted. */
function restarting(call: () => number): number {
  for (;;) {
    const n = result(call());
    if (n !== -ERRNO.EINTR) return n;
  }
}

function openat2(directory: number, path: Block, flags: number, mode: number, resolve: number): number {
  doubles[0] = BigInt(flags >>> 0);
  doubles[1] = BigInt(mode);
  doubles[2] = BigInt(resolve);
  return result(libc.syscall(abi.SYS_openat2, directory, at(path, 0), DOUBLES, abi.OPEN_HOW));
}

function openBeneath(directory: number, path: string, flags: number, mode: number, links: LinkPolicy): number {
  const name = cString(path);
  if (links === "follow") return restarting(() => libc.openat(directory, at(name, 0), flags | FILE_FLAGS, mode));
  const withMode = flags & abi.O_CREAT ? mode : 0; // openat2 refuses a mode that would not be used
  // EAGAIN: a rename raced with the resolution; the kernel asks to be called again. Bounded, for a folder in constant motion.
  for (let tries = 0; hasOpenat2 && tries < 100; tries++) {
    const fd = openat2(directory, name, flags | openFlags(flags), withMode, RESOLVE[links]);
    if (fd === -ERRNO.EAGAIN || fd === -ERRNO.EINTR) continue;
    if (fd !== -ERRNO.ENOSYS && fd !== -ERRNO.EPERM) return fd;
    hasOpenat2 = openat2(abi.AT_FDCWD, cString("."), abi.O_PATH | abi.O_CLOEXEC, 0, abi.RESOLVE_BENEATH) >= 0;
    if (hasOpenat2) return fd;
  }
  return walkBeneath(linux, directory, path, flags, mode, links);
}

/** O_PATH admits only O_CLOEXEC, O_DIRECTORY and O_NOFOLLOW beside it; openat2 is strict about that. */
const openFlags = (flags: number): number => (flags & abi.O_PATH ? abi.O_CLOEXEC : FILE_FLAGS);

function fstat(fd: number, into: FileStatus): number {
  const status = at(scratch, STATX_AT);
  const n = result(libc.statx(fd, at(emptyPath, 0), abi.AT_EMPTY_PATH, abi.STATX_BASIC_STATS, status));
  if (n < 0) return n;
  const { bytes } = scratch;
  into.mode = bytes.readUInt16LE(STATX_AT + abi.STATX.mode);
  into.inode = Number(bytes.readBigUInt64LE(STATX_AT + abi.STATX.inode));
  into.size = Number(bytes.readBigUInt64LE(STATX_AT + abi.STATX.fileSize));
  into.mtimeSeconds = Number(bytes.readBigInt64LE(STATX_AT + abi.STATX.mtimeSeconds));
  into.mtimeNanoseconds = bytes.readUInt32LE(STATX_AT + abi.STATX.mtimeNanoseconds);
  into.device =
    bytes.readUInt32LE(STATX_AT + abi.STATX.deviceMajor) * 2 ** 20 +
    bytes.readUInt32LE(STATX_AT + abi.STATX.deviceMinor);
  return 0;
}

function epollControl(epoll: number, operation: number, fd: number, events: number, generation: number): number {
  words[abi.EPOLL_EVENT.events] = events;
  words[abi.EPOLL_EVENT.fd] = fd;
  words[abi.EPOLL_EVENT.generation] = generation;
  return result(libc.epoll_ctl(epoll, operation, fd, WORDS));
}

export const linux: Kernel = {
  socket: (family, type) => result(libc.socket(family, type | abi.SOCK_NONBLOCK | abi.SOCK_CLOEXEC, 0)),
  setsockopt(fd, level, name, value) {
    words[0] = value;
    return result(libc.setsockopt(fd, level, name, WORDS, 4));
  },
  bind: (fd, address, length) => result(libc.bind(fd, at(address, 0), length)),
  connect: (fd, address, length) => result(libc.connect(fd, at(address, 0), length)),
  listen: (fd, backlog) => result(libc.listen(fd, backlog)),
  accept(fd, address) {
    words[0] = address.bytes.length;
    return result(libc.accept4(fd, at(address, 0), WORDS, abi.SOCK_NONBLOCK | abi.SOCK_CLOEXEC));
  },
  getsockname(fd, address) {
    words[0] = address.bytes.length;
    const n = result(libc.getsockname(fd, at(address, 0), WORDS));
    return n < 0 ? n : words[0]!;
  },
  recv: (fd, block, offset, length) => result(libc.recv(fd, at(block, offset), length, 0)),
  send: (fd, block, offset, length, more) =>
    result(libc.send(fd, at(block, offset), length, more ? abi.MSG_NOSIGNAL | abi.MSG_MORE : abi.MSG_NOSIGNAL)),
  sendfile(socket, source, position, length) {
    doubles[0] = BigInt(position);
    return result(libc.sendfile(socket, source, DOUBLES, length));
  },
  shutdownWrite: (fd) => result(libc.shutdown(fd, abi.SHUT_WR)),
  close: (fd) => result(libc.close(fd)),

  epollCreate: () => result(libc.epoll_create1(abi.EPOLL_CLOEXEC)),
  epollAdd: (epoll, fd, events, generation) => epollControl(epoll, abi.EPOLL_CTL_ADD, fd, events, generation),
  epollRemove: (epoll, fd) => epollControl(epoll, abi.EPOLL_CTL_DEL, fd, 0, 0),
  epollWait: (epoll, events, capacity, timeout) => result(libc.epoll_wait(epoll, at(events, 0), capacity, timeout)),

  open(path, flags, mode) {
    const name = cString(path);
    return restarting(() => libc.open(at(name, 0), flags | FILE_FLAGS, mode));
  },
  openBeneath,
  fstat,
  read: (fd, block, offset, length, position) =>
    restarting(() =>
      position < 0 ? libc.read(fd, at(block, offset), length) : libc.pread(fd, at(block, offset), length, position),
    ),
  write: (fd, block, offset, length) => restarting(() => libc.write(fd, at(block, offset), length)),
  getdents: (fd, block) => result(libc.syscall(abi.SYS_getdents64, fd, at(block, 0), block.bytes.length as Pointer, 0)),
  unlink(directory, name) {
    const path = cString(name);
    return restarting(() => libc.unlinkat(directory, at(path, 0), 0));
  },
  readlink(directory, name, into) {
    const target = new Block(4096);
    const n = result(libc.readlinkat(directory, at(cString(name), 0), at(target, 0), 4096));
    if (n >= 0) into[0] = target.bytes.utf8Slice(0, n);
    return n;
  },

  monotonic: () => performance.now(),
  realtime: () => Date.now(),
  getrandom: (block, offset, length) => restarting(() => libc.getrandom(at(block, offset), length, 0)),
  getpid: () => process.pid,
  kill: (pid, signal) => result(libc.kill(pid, signal)),
  descriptorLimit() {
    const n = result(libc.getrlimit(abi.RLIMIT_NOFILE, DOUBLES));
    return n < 0 ? n : clampCount(doubles[0]!);
  },
  setDescriptorLimit(limit) {
    const n = result(libc.getrlimit(abi.RLIMIT_NOFILE, DOUBLES));
    if (n < 0) return n;
    doubles[0] = BigInt(limit);
    if (doubles[1]! !== -1n && doubles[1]! < doubles[0]) doubles[1] = doubles[0];
    return result(libc.setrlimit(abi.RLIMIT_NOFILE, DOUBLES));
  },
};

/** RLIM_INFINITY and other large limits as a number the server can count with. */
function clampCount(limit: bigint): number {
  return limit < 0n || limit > 1_000_000_000n ? 1_000_000_000 : Number(limit);
}
