/** Every call of the Kernel on the real one, made to fail: what comes back is the -errno that its manual page gives. */
import { afterAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as abi from "../../../ffi/abi.ts";
import { ERRNO } from "../../../ffi/errno.ts";
import { FileStatus, type Kernel, type Program } from "../../../ffi/kernel.ts";
import { linux } from "../../../ffi/linux.ts";
import { Block } from "../../../ffi/memory.ts";
import { type ErrnoName, errnoName } from "../../errno-name.ts";
import { pair } from "./sockets.ts";

const folder = mkdtempSync(join(tmpdir(), "webserv-linux-"));
mkdirSync(join(folder, "sub"));
mkdirSync(join(folder, "full"));
writeFileSync(join(folder, "full/file"), "");
writeFileSync(join(folder, "file"), "some bytes");
writeFileSync(join(folder, "text"), "no program", { mode: 0o755 });
symlinkSync("file", join(folder, "link"));
symlinkSync("..", join(folder, "out"));

const block = new Block(4096);
const status = new FileStatus();
/** Where no process has memory. */
const nowhere = { bytes: block.bytes, address: 8 } as unknown as Block;
const root = linux.open(folder, abi.O_PATH | abi.O_DIRECTORY, 0);
const readable = linux.open(folder, abi.O_RDONLY | abi.O_DIRECTORY, 0);
const file = linux.open(join(folder, "file"), abi.O_RDWR, 0);
const epoll = linux.epollCreate();
const fresh = linux.socket(abi.AF_INET, abi.SOCK_STREAM);
const { near, far, listener } = pair(linux);
linux.epollAdd(epoll, near, abi.EPOLLIN, 1);
const lost = pair(linux);
linux.close(lost.far);

afterAll(() => {
  for (const fd of [root, readable, file, epoll, fresh, near, far, listener, lost.near, lost.listener]) linux.close(fd);
  rmSync(folder, { recursive: true });
});

/** The loopback address with a port, as a struct sockaddr in `block`. */
function address(port: number, host: readonly number[] = [127, 0, 0, 1]): Block {
  block.bytes.fill(0);
  block.bytes.writeUInt16LE(abi.AF_INET, 0);
  block.bytes.writeUInt16BE(port, 2);
  block.bytes.set(host, 4);
  return block;
}

/** A call while the process may open no further descriptor. */
function withoutDescriptors(call: () => number): number {
  const limit = linux.descriptorLimit();
  linux.setDescriptorLimit(3);
  const n = call();
  linux.setDescriptorLimit(limit);
  if (n >= 0) linux.close(n);
  return n;
}

/** One that would run, but for `changes`. */
const program = (changes: Partial<Program>): Program => ({
  path: "/bin/true",
  args: ["true"],
  environment: [],
  folder,
  stdin: 0,
  stdout: 1,
  stderr: 2,
  ...changes,
});

type Case = readonly [why: string, call: () => number, error: ErrnoName];

/** A row for each method, so that one added to the Kernel has to be added here; `never`: it cannot fail. */
const TABLE: { readonly [method in keyof Kernel]: readonly Case[] | "never" } = {
  socket: [
    ["no such family", () => linux.socket(9999, abi.SOCK_STREAM), "EAFNOSUPPORT"],
    ["no descriptor left", () => withoutDescriptors(() => linux.socket(abi.AF_INET, abi.SOCK_STREAM)), "EMFILE"],
  ],
  setsockopt: [
    ["no descriptor", () => linux.setsockopt(-1, abi.SOL_SOCKET, abi.SO_REUSEADDR, 1), "EBADF"],
    ["no socket", () => linux.setsockopt(file, abi.SOL_SOCKET, abi.SO_REUSEADDR, 1), "ENOTSOCK"],
    ["no such option", () => linux.setsockopt(fresh, abi.SOL_SOCKET, 9999, 1), "ENOPROTOOPT"],
  ],
  resetOnClose: [
    ["no descriptor", () => linux.resetOnClose(-1), "EBADF"],
    ["no socket", () => linux.resetOnClose(file), "ENOTSOCK"],
  ],
  getsockopt: [
    ["no descriptor", () => linux.getsockopt(-1, abi.SOL_SOCKET, abi.SO_ERROR), "EBADF"],
    ["no socket", () => linux.getsockopt(file, abi.SOL_SOCKET, abi.SO_ERROR), "ENOTSOCK"],
    ["no such option", () => linux.getsockopt(fresh, abi.SOL_SOCKET, 9999), "ENOPROTOOPT"],
  ],
  tcpInfo: [
    ["no descriptor", () => linux.tcpInfo(-1, block), "EBADF"],
    ["no socket", () => linux.tcpInfo(file, block), "ENOTSOCK"],
  ],
  bind: [
    ["no descriptor", () => linux.bind(-1, address(0), abi.SOCKADDR_IN), "EBADF"],
    ["no socket", () => linux.bind(file, address(0), abi.SOCKADDR_IN), "ENOTSOCK"],
    ["an address of nobody here (RFC 5737)", () => linux.bind(fresh, address(0, [192, 0, 2, 1]), 16), "EADDRNOTAVAIL"],
    ["half an address", () => linux.bind(fresh, address(0), 4), "EINVAL"],
    ["an address in use", () => linux.bind(fresh, block, linux.getsockname(listener, block)), "EADDRINUSE"],
  ],
  connect: [
    ["no descriptor", () => linux.connect(-1, address(1), abi.SOCKADDR_IN), "EBADF"],
    ["connected already", () => linux.connect(near, address(1), abi.SOCKADDR_IN), "EISCONN"],
  ],
  listen: [
    ["no descriptor", () => linux.listen(-1, 1), "EBADF"],
    ["no socket", () => linux.listen(file, 1), "ENOTSOCK"],
    ["a connected socket", () => linux.listen(near, 1), "EINVAL"],
  ],
  accept: [
    ["no descriptor", () => linux.accept(-1, block), "EBADF"],
    ["no socket", () => linux.accept(file, block), "ENOTSOCK"],
    ["nobody waits", () => linux.accept(listener, block), "EAGAIN"],
    ["does not listen", () => linux.accept(near, block), "EINVAL"],
  ],
  getsockname: [
    ["no descriptor", () => linux.getsockname(-1, block), "EBADF"],
    ["no socket", () => linux.getsockname(file, block), "ENOTSOCK"],
    ["no memory", () => linux.getsockname(near, nowhere), "EFAULT"],
  ],
  recv: [
    ["no descriptor", () => linux.recv(-1, block, 0, 1), "EBADF"],
    ["no socket", () => linux.recv(file, block, 0, 1), "ENOTSOCK"],
    ["nothing there", () => linux.recv(near, block, 0, 1), "EAGAIN"],
    ["not connected", () => linux.recv(fresh, block, 0, 1), "ENOTCONN"],
  ],
  send: [
    ["no descriptor", () => linux.send(-1, block, 0, 1), "EBADF"],
    ["no socket", () => linux.send(file, block, 0, 1), "ENOTSOCK"],
    ["no memory", () => linux.send(near, nowhere, 0, 1), "EFAULT"],
    ["shut down, and no SIGPIPE ends the process", () => sendAfterShutdown(), "EPIPE"],
  ],
  sendfile: [
    ["no socket's descriptor", () => linux.sendfile(-1, file, 0, 1), "EBADF"],
    ["no file's descriptor", () => linux.sendfile(near, -1, 0, 1), "EBADF"],
    ["a folder as a file", () => linux.sendfile(near, readable, 0, 1), "EINVAL"],
  ],
  shutdownWrite: [
    ["no descriptor", () => linux.shutdownWrite(-1), "EBADF"],
    ["no socket", () => linux.shutdownWrite(file), "ENOTSOCK"],
    ["not connected", () => linux.shutdownWrite(fresh), "ENOTCONN"],
  ],
  close: [["no descriptor", () => linux.close(-1), "EBADF"]],
  epollCreate: [["no descriptor left", () => withoutDescriptors(linux.epollCreate), "EMFILE"]],
  epollAdd: [
    ["no descriptor", () => linux.epollAdd(epoll, -1, abi.EPOLLIN, 1), "EBADF"],
    ["no epoll", () => linux.epollAdd(file, near, abi.EPOLLIN, 1), "EINVAL"],
    ["there already", () => linux.epollAdd(epoll, near, abi.EPOLLIN, 1), "EEXIST"],
    ["a regular file is always ready", () => linux.epollAdd(epoll, file, abi.EPOLLIN, 1), "EPERM"],
  ],
  epollModify: [
    ["no descriptor", () => linux.epollModify(epoll, -1, abi.EPOLLIN, 1), "EBADF"],
    ["not there", () => linux.epollModify(epoll, far, abi.EPOLLIN, 1), "ENOENT"],
  ],
  epollRemove: [
    ["no descriptor", () => linux.epollRemove(epoll, -1), "EBADF"],
    ["not there", () => linux.epollRemove(epoll, far), "ENOENT"],
  ],
  epollWait: [
    ["no descriptor", () => linux.epollWait(-1, block, 1, 0), "EBADF"],
    ["no epoll", () => linux.epollWait(near, block, 1, 0), "EINVAL"],
    ["no room", () => linux.epollWait(epoll, block, 0, 0), "EINVAL"],
  ],
  open: [
    ["no such file", () => linux.open(join(folder, "nothing"), abi.O_RDONLY, 0), "ENOENT"],
    ["no name", () => linux.open("", abi.O_RDONLY, 0), "ENOENT"],
    ["a name with NUL", () => linux.open(`${join(folder, "file")}\0`, abi.O_RDONLY, 0), "ENOENT"],
    ["a file as a folder", () => linux.open(join(folder, "file"), abi.O_DIRECTORY, 0), "ENOTDIR"],
    ["a folder for writing", () => linux.open(folder, abi.O_WRONLY, 0), "EISDIR"],
    ["there already", () => linux.open(join(folder, "file"), abi.O_CREAT | abi.O_EXCL, 0o600), "EEXIST"],
    ["too long a name", () => linux.open("x".repeat(5000), abi.O_RDONLY, 0), "ENAMETOOLONG"],
    ["a link, not to be followed", () => linux.open(join(folder, "link"), abi.O_NOFOLLOW, 0), "ELOOP"],
    ["no descriptor left", () => withoutDescriptors(() => linux.open(folder, abi.O_PATH, 0)), "EMFILE"],
  ],
  openBeneath: [
    ["above the folder", () => linux.openBeneath(root, "../x", 0, 0, "inside"), "EXDEV"],
    ["a link above the folder", () => linux.openBeneath(root, "out", 0, 0, "inside"), "EXDEV"],
    ["a link", () => linux.openBeneath(root, "link", 0, 0, "deny"), "ELOOP"],
    ["no such file, links followed", () => linux.openBeneath(root, "nothing", 0, 0, "follow"), "ENOENT"],
    ["a name with NUL", () => linux.openBeneath(root, "file\0", 0, 0, "inside"), "ENOENT"],
    ["a name with NUL, links followed", () => linux.openBeneath(root, "file\0", 0, 0, "follow"), "ENOENT"],
    ["no descriptor", () => linux.openBeneath(-1, "file", 0, 0, "inside"), "EBADF"],
    ["no descriptor left", () => withoutDescriptors(() => linux.openBeneath(root, "file", 0, 0, "inside")), "EMFILE"],
  ],
  freeSpace: [["no descriptor", () => linux.freeSpace(-1), "EBADF"]],
  fstat: [["no descriptor", () => linux.fstat(-1, status), "EBADF"]],
  stat: [
    ["nothing there", () => linux.stat("/nothing/there", status), "ENOENT"],
    ["a file as a folder", () => linux.stat("/proc/self/stat/x", status), "ENOTDIR"],
    ["a name with NUL", () => linux.stat("/\0", status), "ENOENT"],
  ],
  read: [
    ["no descriptor", () => linux.read(-1, block, 0, 1, 0), "EBADF"],
    ["no descriptor, at its place", () => linux.read(-1, block, 0, 1, -1), "EBADF"],
    ["a folder", () => linux.read(readable, block, 0, 1, 0), "EISDIR"],
    ["a socket has no positions", () => linux.read(near, block, 0, 1, 5), "ESPIPE"],
    ["no memory", () => linux.read(file, nowhere, 0, 1, 0), "EFAULT"],
  ],
  write: [
    ["no descriptor", () => linux.write(-1, block, 0, 1), "EBADF"],
    ["opened for reading", () => linux.write(readable, block, 0, 1), "EBADF"],
    ["no memory", () => linux.write(file, nowhere, 0, 1), "EFAULT"],
    ["a full device", () => withFile("/dev/full", abi.O_WRONLY, (fd) => linux.write(fd, block, 0, 1)), "ENOSPC"],
  ],
  getdents: [
    ["no descriptor", () => linux.getdents(-1, block), "EBADF"],
    ["no folder", () => linux.getdents(file, block), "ENOTDIR"],
    ["no room for one name", () => linux.getdents(readable, new Block(8)), "EINVAL"],
  ],
  chmod: [
    ["no such file", () => linux.chmod("/nothing-here", 0o600), "ENOENT"],
    ["a file as a folder", () => linux.chmod("/dev/null/x", 0o600), "ENOTDIR"],
    ["a name with NUL", () => linux.chmod("/tmp\0x", 0o600), "ENOENT"],
  ],
  unlink: [
    ["no such file", () => linux.unlink(root, "nothing"), "ENOENT"],
    ["a folder", () => linux.unlink(root, "sub"), "EISDIR"],
    ["a file as a folder", () => linux.unlink(root, "file/x"), "ENOTDIR"],
    ["a name with NUL", () => linux.unlink(root, "file\0"), "ENOENT"],
  ],
  mkdir: [
    ["there already", () => linux.mkdir(root, "sub", 0o700), "EEXIST"],
    ["a link that leads somewhere", () => linux.mkdir(root, "link", 0o700), "EEXIST"],
    ["no folder above", () => linux.mkdir(root, "nothing/x", 0o700), "ENOENT"],
    ["a file above", () => linux.mkdir(root, "file/x", 0o700), "ENOTDIR"],
    ["too long a name", () => linux.mkdir(root, "x".repeat(256), 0o700), "ENAMETOOLONG"],
    ["no name", () => linux.mkdir(root, "", 0o700), "ENOENT"],
    ["a name with NUL", () => linux.mkdir(root, "x\0", 0o700), "ENOENT"],
    ["no descriptor", () => linux.mkdir(-1, "x", 0o700), "EBADF"],
  ],
  rmdir: [
    ["no such folder", () => linux.rmdir(root, "nothing"), "ENOENT"],
    ["a file", () => linux.rmdir(root, "file"), "ENOTDIR"],
    ["something in it", () => linux.rmdir(root, "full"), "ENOTEMPTY"],
    ["itself", () => linux.rmdir(root, "."), "EINVAL"],
    ["a name with NUL", () => linux.rmdir(root, "sub\0"), "ENOENT"],
  ],
  rename: [
    ["no such file", () => linux.rename(root, "nothing", root, "x", true), "ENOENT"],
    ["no such file, nothing replaced", () => linux.rename(root, "nothing", root, "x", false), "ENOENT"],
    ["there already", () => linux.rename(root, "file", root, "link", false), "EEXIST"],
    ["itself", () => linux.rename(root, "file", root, "file", false), "EEXIST"],
    ["no folder to go to", () => linux.rename(root, "file", root, "nothing/x", true), "ENOENT"],
    ["a file as a folder", () => linux.rename(root, "file", root, "link/x", true), "ENOTDIR"],
    ["a file over a folder", () => linux.rename(root, "file", root, "sub", true), "EISDIR"],
    ["a folder over a file", () => linux.rename(root, "sub", root, "file", true), "ENOTDIR"],
    ["a folder over one with something in it", () => linux.rename(root, "sub", root, "full", true), "ENOTEMPTY"],
    ["a folder into itself", () => linux.rename(root, "sub", root, "sub/x", true), "EINVAL"],
    ["another file system", () => linux.rename(root, "file", abi.AT_FDCWD, "/proc/x", true), "EXDEV"],
    ["a name with NUL", () => linux.rename(root, "file\0", root, "x", true), "ENOENT"],
    ["a new name with NUL", () => linux.rename(root, "file", root, "x\0", true), "ENOENT"],
    ["no descriptor", () => linux.rename(root, "file", -1, "x", true), "EBADF"],
  ],
  allocate: [
    ["no descriptor", () => linux.allocate(-1, 0, 1), "EBADF"],
    ["a handle, no open file", () => linux.allocate(root, 0, 1), "EBADF"],
    ["no bytes", () => withFile(join(folder, "file"), abi.O_WRONLY, (fd) => linux.allocate(fd, 0, 0)), "EINVAL"],
  ],
  truncate: [
    ["no descriptor", () => linux.truncate(-1, 0), "EBADF"],
    [
      "not open for writing",
      () => withFile(join(folder, "file"), abi.O_RDONLY, (fd) => linux.truncate(fd, 0)),
      "EINVAL",
    ],
  ],
  fchmod: [
    ["no descriptor", () => linux.fchmod(-1, 0o600), "EBADF"],
    ["a handle, no open file", () => linux.fchmod(root, 0o600), "EBADF"],
  ],
  fchown: [
    ["no descriptor", () => linux.fchown(-1, 0, 0), "EBADF"],
    ["a handle, no open file", () => linux.fchown(root, 0, 0), "EBADF"],
  ],
  futimens: [
    ["no descriptor", () => linux.futimens(-1, 0, 0), "EBADF"],
    ["a handle, no open file", () => linux.futimens(root, 0, 0), "EBADF"],
    [
      "too many nanoseconds",
      () => withFile(join(folder, "file"), abi.O_WRONLY, (fd) => linux.futimens(fd, 0, 1e9)),
      "EINVAL",
    ],
  ],
  getAttribute: [
    ["no descriptor", () => linux.getAttribute(-1, "user.x", new Block(8), 0, 8), "EBADF"],
    ["a handle, no open file", () => linux.getAttribute(root, "user.x", new Block(8), 0, 8), "EBADF"],
  ],
  setAttribute: [
    ["no descriptor", () => linux.setAttribute(-1, "user.x", new Block(8), 0, 8), "EBADF"],
    ["a handle, no open file", () => linux.setAttribute(root, "user.x", new Block(8), 0, 8), "EBADF"],
    [
      "longer than any",
      () =>
        withFile(join(folder, "file"), abi.O_RDONLY, (fd) =>
          linux.setAttribute(fd, "user.x", new Block(70_000), 0, 70_000),
        ),
      "E2BIG",
    ],
  ],
  flock: [
    ["no descriptor", () => linux.flock(-1), "EBADF"],
    ["somebody else has it", () => lockedTwice(), "EAGAIN"],
  ],
  readlink: [
    ["no such file", () => linux.readlink(root, "nothing", []), "ENOENT"],
    ["no link", () => linux.readlink(root, "file", []), "EINVAL"],
    ["a name with NUL", () => linux.readlink(root, "link\0", []), "ENOENT"],
  ],
  tcgetattr: [
    ["a handle, no open file", () => linux.tcgetattr(root, new Block(abi.TERMIOS.size)), "EBADF"],
    ["a file, no terminal", () => withTermios(linux.tcgetattr), "ENOTTY"],
  ],
  tcsetattr: [["a file, no terminal", () => withTermios(linux.tcsetattr), "ENOTTY"]],
  monotonic: "never",
  pipe: [["no descriptor left", () => withoutDescriptors(() => linux.pipe([], 0) || -1), "EMFILE"]],
  spawn: [
    ["no such program", () => linux.spawn(program({ path: join(folder, "none") })), "ENOENT"],
    ["not executable", () => linux.spawn(program({ path: join(folder, "file") })), "EACCES"],
    ["no program: neither ELF nor #!", () => linux.spawn(program({ path: join(folder, "text") })), "ENOEXEC"],
    ["no such folder", () => linux.spawn(program({ folder: join(folder, "none") })), "ENOENT"],
    ["no such descriptor", () => linux.spawn(program({ stdin: 9999 })), "EBADF"],
    ["NUL in an argument", () => linux.spawn(program({ args: ["true", "a\0b"] })), "EINVAL"],
    ["NUL in a variable", () => linux.spawn(program({ environment: ["A=\0"] })), "EINVAL"],
    ["NUL in the path", () => linux.spawn(program({ path: "/bin/true\0" })), "EINVAL"],
    ["a variable that is too long", () => linux.spawn(program({ environment: ["x".repeat(200_000)] })), "E2BIG"],
  ],
  pidfdOpen: [
    ["no such process", () => linux.pidfdOpen(2 ** 22 + 1), "ESRCH"],
    ["no process at all", () => linux.pidfdOpen(-1), "EINVAL"],
  ],
  wait: [["no child of ours", () => linux.wait(1), "ECHILD"]],
  realtime: "never",
  getrandom: [["no memory", () => linux.getrandom(nowhere, 0, 16), "EFAULT"]],
  getpid: "never",
  kill: [
    ["no such process: beyond the largest pid_max", () => linux.kill(2 ** 22 + 1, 0), "ESRCH"],
    ["no such signal", () => linux.kill(linux.getpid(), 999), "EINVAL"],
  ],
  descriptorLimit: "never",
  setDescriptorLimit: [["more than the kernel ever allows", () => linux.setDescriptorLimit(2 ** 31), "EPERM"]],
};

function withFile(path: string, flags: number, call: (fd: number) => number): number {
  const fd = linux.open(path, flags, 0);
  const n = call(fd);
  linux.close(fd);
  return n;
}

const withTermios = (call: (fd: number, block: Block) => number): number =>
  withFile(join(folder, "file"), abi.O_RDONLY, (fd) => call(fd, new Block(abi.TERMIOS.size)));

function lockedTwice(): number {
  linux.flock(file);
  return withFile(join(folder, "file"), abi.O_RDONLY, linux.flock);
}

function sendAfterShutdown(): number {
  linux.shutdownWrite(lost.near);
  return linux.send(lost.near, block, 0, 1);
}

for (const [method, cases] of Object.entries(TABLE)) {
  if (cases === "never") continue;
  describe(`${method} fails`, () => {
    for (const [why, call, error] of cases) {
      test(`${why}: ${error}`, () => {
        const n = call();
        expect(n < 0 ? errnoName(n) : `success: ${n}`).toBe(error);
        expect(n).toBe(-ERRNO[error]);
      });
    }
  });
}

test("the table has every method", () => {
  expect(Object.keys(TABLE).sort()).toEqual(Object.keys(linux).sort());
});
