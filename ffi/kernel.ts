/**
 * The kernel, as the server sees it. Production passes `linux` (ffi/linux.ts); tests pass a simulated one.
 *
 * Conventions: a call returns `n >= 0`, or `-errno`; it never throws. Memory is (Block, offset, length), the length within
 * the Block and below 2^31. Positions and sizes of files are whole numbers below 2^53. Paths are strings without
 * NUL (one that slips through is -ENOENT, never cut), encoded as UTF-8. Descriptors are small integers.
 */
import type { Block } from "./memory.ts";

/** What statx(2) reports about a file. Filled in place, so that a hot path allocates nothing. Times are seconds and nanoseconds. */
export class FileStatus {
  /** st_mode: type and permission bits (see S_IFMT in abi.ts). */
  mode = 0;
  size = 0;
  mtimeSeconds = 0;
  mtimeNanoseconds = 0;
  /** Time of the last change of content, name, owner or permissions. Unlike mtime, no program can set it. */
  ctimeSeconds = 0;
  ctimeNanoseconds = 0;
  /** The owner and the group. */
  user = 0;
  group = 0;
  inode = 0;
  /** Major and minor number of the file system's device in one number. */
  device = 0;
}

/** How `openBeneath` treats symbolic links: "inside" follows those that stay beneath the folder, "follow" all, "deny" none. */
export type LinkPolicy = "inside" | "follow" | "deny";

/**
 * What `spawn` starts. Texts are octets, one character per byte; a text with a NUL is -EINVAL.
 * The three descriptors become 0, 1 and 2 of the program.
 */
export interface Program {
  /** Absolute path of the executable. */
  readonly path: string;
  /** argv, including argv[0]. */
  readonly args: readonly string[];
  /** Entries of the form NAME=value. */
  readonly environment: readonly string[];
  /** Working folder of the program. */
  readonly folder: string;
  readonly stdin: number;
  readonly stdout: number;
  readonly stderr: number;
}

export interface Kernel {
  // Sockets: socket(2), bind(2), connect(2), listen(2), accept4(2), getsockname(2), getsockopt(2), recv(2), send(2), sendfile(2), shutdown(2).

  /** A non-blocking, close-on-exec socket. */
  socket(family: number, type: number): number;
  setsockopt(fd: number, level: number, name: number, value: number): number;
  /** The value of an option that is an int; SO_ERROR: the pending errno (positive), 0 when there is none. */
  getsockopt(fd: number, level: number, name: number): number;
  /** getsockopt(2) of TCP_INFO, into `into`: bytes of struct tcp_info. */
  tcpInfo(fd: number, into: Block): number;
  /** `address` holds a struct sockaddr of `length` bytes at its start. */
  bind(fd: number, address: Block, length: number): number;
  /** -EINPROGRESS: epoll reports EPOLLOUT when the connection is there or has failed; SO_ERROR then says which. */
  connect(fd: number, address: Block, length: number): number;
  listen(fd: number, backlog: number): number;
  /** Accepts one connection, non-blocking and close-on-exec; the peer's struct sockaddr is written at the start of `address`. */
  accept(fd: number, address: Block): number;
  /** Writes the socket's own struct sockaddr at the start of `address`; gives its length. */
  getsockname(fd: number, address: Block): number;
  /** Bytes read into `block` at `offset`; 0 at end of stream. */
  recv(fd: number, block: Block, offset: number, length: number): number;
  /** Bytes taken from `block` at `offset`. MSG_NOSIGNAL and MSG_DONTWAIT are always set: an inherited socket may block. */
  send(fd: number, block: Block, offset: number, length: number): number;
  /** Bytes moved from the file `source` at `position` to the socket; 0 when the file ends at or before `position`. `length` may be any number. */
  sendfile(socket: number, source: number, position: number, length: number): number;
  /** shutdown(2) of the sending side. */
  shutdownWrite(fd: number): number;
  close(fd: number): number;
  /** SO_LINGER without time: `close` will reset the connection and discard what was not sent. */
  resetOnClose(fd: number): number;

  // epoll(7)

  epollCreate(): number;
  /** `generation` comes back with each event of this descriptor (see EPOLL_EVENT in abi.ts). */
  epollAdd(epoll: number, fd: number, events: number, generation: number): number;
  /** Changes the events watched; epoll reports those that are ready already once more. */
  epollModify(epoll: number, fd: number, events: number, generation: number): number;
  epollRemove(epoll: number, fd: number): number;
  /** Fills `events` with at most `capacity` struct epoll_event; waits at most `timeout` ms. Gives the count. -EINTR: a signal. */
  epollWait(epoll: number, events: Block, capacity: number, timeout: number): number;

  // Files

  /** open(2): absolute, or relative to the process' working folder. O_CLOEXEC, O_NONBLOCK and O_NOCTTY are always set. */
  open(path: string, flags: number, mode: number): number;
  /**
   * Opens `path` (relative; "." is the folder itself) beneath the folder `directory`, with the same flags always set.
   * -EXDEV: the path or a link leaves the folder. -ELOOP: a link, where `links` is "deny".
   */
  openBeneath(directory: number, path: string, flags: number, mode: number, links: LinkPolicy): number;
  /** statx(2) of an open descriptor. */
  fstat(fd: number, into: FileStatus): number;
  /** statx(2) of what an absolute path leads to, links followed. */
  stat(path: string, into: FileStatus): number;
  /** Bytes that the file system of an open file has free for users: fstatvfs(3). */
  freeSpace(fd: number): number;
  /** Reads at `position` of a file, or at the file offset when `position` is -1. */
  read(fd: number, block: Block, offset: number, length: number, position: number): number;
  /** Writes at the file offset (with O_APPEND: at the end). */
  write(fd: number, block: Block, offset: number, length: number): number;
  /** getdents64(2): fills `block` with struct linux_dirent64; 0 at the end. Parse with `directoryEntries` in abi.ts. */
  getdents(fd: number, block: Block): number;
  /** Removes a file, never a folder, by name relative to `directory` (AT_FDCWD allowed). */
  unlink(directory: number, name: string): number;
  /** Makes a folder by name relative to `directory`; the process' umask applies. mkdirat(2). */
  mkdir(directory: number, name: string, mode: number): number;
  /** Removes an empty folder by name relative to `directory`. */
  rmdir(directory: number, name: string): number;
  /**
   * Moves a file to another name on the same file system, atomically: renameat2(2). An existing file is replaced;
   * without `replace` it stays and the call gives -EEXIST. Names are relative to their folders.
   */
  rename(fromDirectory: number, from: string, toDirectory: number, to: string, replace: boolean): number;
  /**
   * Reserves disk space for a file's bytes from `position` on without changing its size: fallocate(2). File systems without
   * support give different errors.
   */
  allocate(fd: number, position: number, length: number): number;
  /** Sets a file's size: ftruncate(2). With the current size, it frees space reserved beyond the end. */
  truncate(fd: number, length: number): number;
  /** Sets the permission bits of an open file. */
  fchmod(fd: number, mode: number): number;
  /** Sets the owner and the group of an open file. */
  fchown(fd: number, user: number, group: number): number;
  /** Sets the modification time of an open file: whole seconds since 1970, and nanoseconds below 10^9. futimens(3). */
  futimens(fd: number, seconds: number, nanoseconds: number): number;
  /**
   * Reads the extended attribute `name` (`user.x`) of an open file into `block` at `offset`: its length. -ENODATA: there is none; -ERANGE: it
   * is longer than `length`; -EOPNOTSUPP: the file system has none. fgetxattr(2).
   */
  getAttribute(fd: number, name: string, block: Block, offset: number, length: number): number;
  /** Sets an extended attribute of an open file. -ENOSPC, -E2BIG: it is too long for the file system. fsetxattr(2). */
  setAttribute(fd: number, name: string, block: Block, offset: number, length: number): number;
  /** Takes an exclusive lock on an open file without waiting: flock(2), LOCK_EX | LOCK_NB. -EAGAIN: someone else holds it. */
  flock(fd: number): number;
  /** Sets the permission bits of a path; also used for sockets. */
  chmod(path: string, mode: number): number;
  /** Stores the target of a link in `into[0]`; `name` is relative to `directory` (AT_FDCWD allowed). */
  readlink(directory: number, name: string, into: string[]): number;

  // Child processes

  /** pipe2(2), close-on-exec: `into[0]` is the read end, `into[1]` the write end. The end `ours` (0 or 1) is non-blocking; the other goes to a child and blocks. */
  pipe(into: number[], ours: 0 | 1): number;
  /**
   * posix_spawn(3). The child leads its own session and process group; signals have default actions and none is blocked; only
   * descriptors 0, 1 and 2 are open. Gives its pid, or -errno, also when the program cannot be executed or its folder not entered.
   */
  spawn(program: Program): number;
  /** pidfd_open(2): a descriptor that epoll reports readable once the child has ended. */
  pidfdOpen(pid: number): number;
  /** waitpid(2), WNOHANG: reaps a child that has ended and gives its wait status; -EAGAIN while it runs. */
  wait(pid: number): number;

  // Terminals

  /** tcgetattr(3): writes the terminal's struct termios at the start of `into`. -ENOTTY: no terminal. */
  tcgetattr(fd: number, into: Block): number;
  /** tcsetattr(3) with TCSAFLUSH: waits until output is written and drops input that was typed ahead. */
  tcsetattr(fd: number, from: Block): number;

  // Clock, randomness, process

  /** CLOCK_MONOTONIC in milliseconds, with fractions. */
  monotonic(): number;
  /** CLOCK_REALTIME in milliseconds since 1970, with fractions. It may step in either direction. */
  realtime(): number;
  getrandom(block: Block, offset: number, length: number): number;
  getpid(): number;
  /** Sends a signal to a process or, with a negative number, to a process group. */
  kill(pid: number, signal: number): number;
  /** The soft RLIMIT_NOFILE. */
  descriptorLimit(): number;
  setDescriptorLimit(limit: number): number;
}
