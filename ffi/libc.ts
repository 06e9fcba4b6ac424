/**
 * The one dlopen table. Data, no logic: a row per libc function, its types as the ABI has them. Counts and results
 * that fit 32 bits are declared so, which is what makes a call cost 4 ns; a pointer is a number.
 */
import { dlopen, type FFIFunction, FFIType, type Pointer, toArrayBuffer } from "bun:ffi";

const functions = {
  socket: { args: ["i32", "i32", "i32"], returns: "i32" },
  setsockopt: { args: ["i32", "i32", "i32", "ptr", "i32"], returns: "i32" },
  bind: { args: ["i32", "ptr", "i32"], returns: "i32" },
  connect: { args: ["i32", "ptr", "i32"], returns: "i32" },
  listen: { args: ["i32", "i32"], returns: "i32" },
  accept4: { args: ["i32", "ptr", "ptr", "i32"], returns: "i32" },
  getsockname: { args: ["i32", "ptr", "ptr"], returns: "i32" },
  recv: { args: ["i32", "ptr", "i32", "i32"], returns: "i32" },
  send: { args: ["i32", "ptr", "i32", "i32"], returns: "i32" },
  sendfile: { args: ["i32", "i32", "ptr", "i32"], returns: "i32" },
  shutdown: { args: ["i32", "i32"], returns: "i32" },
  close: { args: ["i32"], returns: "i32" },
  epoll_create1: { args: ["i32"], returns: "i32" },
  epoll_ctl: { args: ["i32", "i32", "i32", "ptr"], returns: "i32" },
  epoll_wait: { args: ["i32", "ptr", "i32", "i32"], returns: "i32" },
  open: { args: ["ptr", "i32", "i32"], returns: "i32" },
  openat: { args: ["i32", "ptr", "i32", "i32"], returns: "i32" },
  read: { args: ["i32", "ptr", "i32"], returns: "i32" },
  pread: { args: ["i32", "ptr", "i32", FFIType.i64_fast], returns: "i32" },
  write: { args: ["i32", "ptr", "i32"], returns: "i32" },
  unlinkat: { args: ["i32", "ptr", "i32"], returns: "i32" },
  readlinkat: { args: ["i32", "ptr", "ptr", "i32"], returns: "i32" },
  statx: { args: ["i32", "ptr", "i32", "i32", "ptr"], returns: "i32" },
  getrandom: { args: ["ptr", "i32", "i32"], returns: "i32" },
  kill: { args: ["i32", "i32"], returns: "i32" },
  getrlimit: { args: ["i32", "ptr"], returns: "i32" },
  setrlimit: { args: ["i32", "ptr"], returns: "i32" },
  syscall: { args: [FFIType.i64_fast, FFIType.i64_fast, "ptr", "ptr", FFIType.i64_fast], returns: "i32" },
  __errno_location: { args: [], returns: "ptr" },
} as const satisfies Record<string, FFIFunction>;

const names = ["libc.so.6", `libc.musl-${process.arch === "arm64" ? "aarch64" : "x86_64"}.so.1`];

function openLibc() {
  const failures: string[] = [];
  for (const name of names) {
    try {
      return dlopen(name, functions).symbols;
    } catch (error) {
      failures.push(String(error));
    }
  }
  throw new Error(`no libc could be opened: ${failures.join("; ")}`);
}

/** libc's functions. */
export const libc = openLibc();

/** errno of this thread, in `errno[0]`: right when read at once after a call that returned -1. */
export const errno = new Int32Array(toArrayBuffer(libc.__errno_location() as Pointer, 0, 4));
