/**
 * The binary interface of Linux on x86-64 and arm64: constants and struct layouts. `test/unit/ffi/abi.test.ts`
 * compares all of it with what the system's C compiler says.
 */
import type { Block } from "./memory.ts";
import { arm64 } from "./platform.ts";
import { decodeName } from "./text.ts";

export const AF_UNIX = 1;
export const AF_INET = 2;
export const AF_INET6 = 10;
export const SOCK_STREAM = 1;
export const SOCK_DGRAM = 2;
export const SOCK_NONBLOCK = 0o4000;
export const SOCK_CLOEXEC = 0o2000000;
export const SOL_SOCKET = 1;
export const SO_REUSEADDR = 2;
export const SO_REUSEPORT = 15;
export const SO_LINGER = 13;
/** Reading it gives the pending error of a socket, and clears it. */
export const SO_ERROR = 4;
export const SO_KEEPALIVE = 9;
export const IPPROTO_IP = 0;
export const IP_TRANSPARENT = 19;
export const IP_BIND_ADDRESS_NO_PORT = 24;
export const SO_SNDBUF = 7;
export const IPPROTO_TCP = 6;
export const TCP_NODELAY = 1;
export const TCP_DEFER_ACCEPT = 9;
export const TCP_INFO = 11;
export const IPPROTO_IPV6 = 41;
export const IPV6_V6ONLY = 26;
export const MSG_DONTWAIT = 0x40;
export const MSG_NOSIGNAL = 0x4000;
export const SHUT_WR = 1;

export const EPOLLIN = 0x1;
export const EPOLLOUT = 0x4;
export const EPOLLERR = 0x8;
export const EPOLLHUP = 0x10;
export const EPOLLRDHUP = 0x2000;
export const EPOLLET = 0x80000000 | 0;
export const EPOLL_CTL_ADD = 1;
export const EPOLL_CTL_DEL = 2;
export const EPOLL_CTL_MOD = 3;
export const EPOLL_CLOEXEC = 0o2000000;

export const O_RDONLY = 0;
export const O_WRONLY = 1;
export const O_RDWR = 2;
export const O_CREAT = 0o100;
export const O_EXCL = 0o200;
export const O_NOCTTY = 0o400;
export const O_TRUNC = 0o1000;
export const O_APPEND = 0o2000;
export const O_NONBLOCK = 0o4000;
export const O_CLOEXEC = 0o2000000;
export const O_PATH = 0o10000000;
export const O_DIRECTORY = arm64 ? 0o40000 : 0o200000;
/** Opens a file without a name in the given folder; it disappears when its descriptor is closed. */
export const O_TMPFILE = 0o20000000 | O_DIRECTORY;
export const O_NOFOLLOW = arm64 ? 0o100000 : 0o400000;

export const AT_FDCWD = -100;
export const AT_EMPTY_PATH = 0x1000;
export const AT_REMOVEDIR = 0x200;
export const RENAME_NOREPLACE = 1;
export const RESOLVE_NO_MAGICLINKS = 0x02;
export const RESOLVE_NO_SYMLINKS = 0x04;
export const RESOLVE_BENEATH = 0x08;

export const FALLOC_FL_KEEP_SIZE = 1;

/** As tv_nsec in futimens(3): leave this time unchanged. */
export const UTIME_OMIT = 0x3ffffffe;

export const LOCK_EX = 2;
export const LOCK_NB = 4;

export const S_IFMT = 0o170000;
export const S_IFIFO = 0o010000;
export const S_IFCHR = 0o020000;
export const S_IFREG = 0o100000;
export const S_IFDIR = 0o040000;
export const S_IFLNK = 0o120000;
export const S_IFSOCK = 0o140000;

export const SIGHUP = 1;
export const SIGINT = 2;
export const SIGQUIT = 3;
export const SIGUSR1 = 10;
export const SIGPIPE = 13;
export const SIGTERM = 15;

export const SIGKILL = 9;

export const RLIMIT_NOFILE = 7;

export const F_SETFL = 4;
export const WNOHANG = 1;
export const POSIX_SPAWN_SETSIGDEF = 0x04;
export const POSIX_SPAWN_SETSIGMASK = 0x08;
export const POSIX_SPAWN_SETSID = 0x80;
export const CLOSE_RANGE_CLOEXEC = 4;

/** System calls without a wrapper in every libc: musl has statx(2) only since 1.2.5, renameat2(2) only since 1.2.6. */
export const SYS_getdents64 = arm64 ? 61 : 217;
export const SYS_statx = arm64 ? 291 : 332;
export const SYS_renameat2 = arm64 ? 276 : 316;
export const SYS_pidfd_open = 434;
export const SYS_close_range = 436;
export const SYS_openat2 = 437;

/** struct epoll_event in 32-bit words: its size, and the index of `events`, of `data`'s lower half (our fd) and of its upper half (our generation). */
export const EPOLL_EVENT = arm64
  ? ({ words: 4, events: 0, fd: 2, generation: 3 } as const)
  : ({ words: 3, events: 0, fd: 1, generation: 2 } as const);

/** The longest path that open(2) takes, with its NUL. */
export const PATH_MAX = 4096;

/** struct sockaddr_storage's size. */
export const SOCKADDR_STORAGE = 128;
/** sizeof(struct sockaddr_in), sockaddr_in6, sockaddr_un; offset of sun_path. */
export const SOCKADDR_IN = 16;
export const SOCKADDR_IN6 = 28;
export const SOCKADDR_UN = 110;
export const SUN_PATH = 2;

/** struct statx: byte offsets of what the server reads, and its size. */
export const STATX = {
  size: 256,
  mode: 28,
  inode: 32,
  fileSize: 40,
  user: 20,
  group: 24,
  ctimeSeconds: 96,
  ctimeNanoseconds: 104,
  mtimeSeconds: 112,
  mtimeNanoseconds: 120,
  deviceMajor: 136,
  deviceMinor: 140,
} as const;
export const STATX_BASIC_STATS = 0x7ff;

/** struct termios: its size, the offset of c_lflag, and the flags in it for echo, line editing and signals from the keyboard. */
export const TERMIOS = { size: 60, localFlags: 12 } as const;
export const ISIG = 0o1;
export const ICANON = 0o2;
export const ECHO = 0o10;
export const ECHONL = 0o100;
export const TCSAFLUSH = 2;

/** struct open_how: three 64-bit fields, flags, mode, resolve. */
export const OPEN_HOW = 24;

/** struct linux_dirent64: offsets of d_reclen, d_type and d_name. */
export const DIRENT64 = { length: 16, type: 18, name: 19 } as const;
export const DT_DIR = 4;
export const DT_REG = 8;
export const DT_LNK = 10;

/** A name in a folder and its d_type (0, DT_UNKNOWN, where the file system does not report it). */
export interface DirectoryEntry {
  readonly name: string;
  readonly type: number;
}

/** Parses the first `length` bytes of what getdents64 wrote; leaves out "." and "..". */
export function directoryEntries(block: Block, length: number): DirectoryEntry[] {
  const { bytes } = block;
  const entries: DirectoryEntry[] = [];
  for (let at = 0; at < length; at += bytes.readUInt16LE(at + DIRENT64.length)) {
    const start = at + DIRENT64.name;
    const name = decodeName(bytes, start, bytes.indexOf(0, start));
    if (name !== "." && name !== "..") entries.push({ name, type: bytes[at + DIRENT64.type]! });
  }
  return entries;
}
