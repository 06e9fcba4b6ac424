/**
 * The only dlopen table: a row per libc function with its ABI types, no logic. Counts and results that fit 32 bits are
 * declared as such, because a call then costs only 4 ns. A pointer is a number.
 */
import { type FFIFunction, FFIType, type Pointer, toArrayBuffer } from "bun:ffi";
import { arm64, openFirst, refuse } from "./platform.ts";

const functions = {
  socket: { args: ["i32", "i32", "i32"], returns: "i32" },
  setsockopt: { args: ["i32", "i32", "i32", "ptr", "i32"], returns: "i32" },
  bind: { args: ["i32", "ptr", "i32"], returns: "i32" },
  connect: { args: ["i32", "ptr", "i32"], returns: "i32" },
  listen: { args: ["i32", "i32"], returns: "i32" },
  accept4: { args: ["i32", "ptr", "ptr", "i32"], returns: "i32" },
  getsockopt: { args: ["i32", "i32", "i32", "ptr", "ptr"], returns: "i32" },
  getsockname: { args: ["i32", "ptr", "ptr"], returns: "i32" },
  recv: { args: ["i32", "ptr", "i32", "i32"], returns: "i32" },
  send: { args: ["i32", "ptr", "i32", "i32"], returns: "i32" },
  sendfile: { args: ["i32", "i32", "ptr", "i32"], returns: "i32" },
  shutdown: { args: ["i32", "i32"], returns: "i32" },
  close: { args: ["i32"], returns: "i32" },
  epoll_create1: { args: ["i32"], returns: "i32" },
  epoll_ctl: { args: ["i32", "i32", "i32", "ptr"], returns: "i32" },
  epoll_wait: { args: ["i32", "ptr", "i32", "i32"], returns: "i32" },
  openat: { args: ["i32", "ptr", "i32", "i32"], returns: "i32" },
  read: { args: ["i32", "ptr", "i32"], returns: "i32" },
  pread: { args: ["i32", "ptr", "i32", FFIType.i64_fast], returns: "i32" },
  write: { args: ["i32", "ptr", "i32"], returns: "i32" },
  fallocate: { args: ["i32", "i32", FFIType.i64_fast, FFIType.i64_fast], returns: "i32" },
  fstatvfs: { args: ["i32", "ptr"], returns: "i32" },
  ftruncate: { args: ["i32", FFIType.i64_fast], returns: "i32" },
  fchmod: { args: ["i32", "i32"], returns: "i32" },
  fchown: { args: ["i32", "u32", "u32"], returns: "i32" },
  futimens: { args: ["i32", "ptr"], returns: "i32" },
  fgetxattr: { args: ["i32", "ptr", "ptr", "i32"], returns: "i32" },
  fsetxattr: { args: ["i32", "ptr", "ptr", "i32", "i32"], returns: "i32" },
  flock: { args: ["i32", "i32"], returns: "i32" },
  mkdirat: { args: ["i32", "ptr", "i32"], returns: "i32" },
  linkat: { args: ["i32", "ptr", "i32", "ptr", "i32"], returns: "i32" },
  chmod: { args: ["ptr", "i32"], returns: "i32" },
  unlinkat: { args: ["i32", "ptr", "i32"], returns: "i32" },
  readlinkat: { args: ["i32", "ptr", "ptr", "i32"], returns: "i32" },
  getrandom: { args: ["ptr", "i32", "i32"], returns: "i32" },
  kill: { args: ["i32", "i32"], returns: "i32" },
  tcgetattr: { args: ["i32", "ptr"], returns: "i32" },
  tcsetattr: { args: ["i32", "i32", "ptr"], returns: "i32" },
  getrlimit: { args: ["i32", "ptr"], returns: "i32" },
  setrlimit: { args: ["i32", "ptr"], returns: "i32" },
  pipe2: { args: ["ptr", "i32"], returns: "i32" },
  fcntl: { args: ["i32", "i32", "i32"], returns: "i32" },
  waitpid: { args: ["i32", "ptr", "i32"], returns: "i32" },
  posix_spawn: { args: ["ptr", "ptr", "ptr", "ptr", "ptr", "ptr"], returns: "i32" },
  posix_spawn_file_actions_init: { args: ["ptr"], returns: "i32" },
  posix_spawn_file_actions_adddup2: { args: ["ptr", "i32", "i32"], returns: "i32" },
  posix_spawn_file_actions_addchdir_np: { args: ["ptr", "ptr"], returns: "i32" },
  posix_spawn_file_actions_destroy: { args: ["ptr"], returns: "i32" },
  posix_spawnattr_init: { args: ["ptr"], returns: "i32" },
  posix_spawnattr_setflags: { args: ["ptr", "i32"], returns: "i32" },
  posix_spawnattr_setsigdefault: { args: ["ptr", "ptr"], returns: "i32" },
  posix_spawnattr_setsigmask: { args: ["ptr", "ptr"], returns: "i32" },
  sigfillset: { args: ["ptr"], returns: "i32" },
  sigemptyset: { args: ["ptr"], returns: "i32" },
  // Enough arguments for statx(fd, path, flags, mask, buffer), the longest of the system calls in abi.ts.
  syscall: {
    args: [FFIType.i64_fast, FFIType.i64_fast, "ptr", FFIType.i64_fast, FFIType.i64_fast, "ptr"],
    returns: "i32",
  },
  getaddrinfo: { args: ["ptr", "ptr", "ptr", "ptr"], returns: "i32" },
  freeaddrinfo: { args: ["ptr"], returns: "void" },
  __errno_location: { args: [], returns: "ptr" },
} as const satisfies Record<string, FFIFunction>;

/** The file names of glibc and musl. */
const LIBC_NAMES = ["libc.so.6", `libc.musl-${arm64 ? "aarch64" : "x86_64"}.so.1`];

const opened = openFirst(LIBC_NAMES, functions);

/** libc's functions. */
export const libc = typeof opened === "string" ? refuse(opened) : opened;

/** errno of this thread is `errno[0]`; valid only directly after a call that returned -1. */
export const errno = new Int32Array(toArrayBuffer(libc.__errno_location() as Pointer, 0, 4));
