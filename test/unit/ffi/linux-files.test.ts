/** Files on the real kernel: every call of these made to succeed, also beyond 4 GB. */
import { afterAll, describe, expect, test } from "bun:test";
import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as abi from "../../../ffi/abi.ts";
import { ERRNO } from "../../../ffi/errno.ts";
import { FileStatus } from "../../../ffi/kernel.ts";
import { linux } from "../../../ffi/linux.ts";
import { Block } from "../../../ffi/memory.ts";
import { flagsOf, good, pair, receive } from "./sockets.ts";

const folder = fs.mkdtempSync(join(tmpdir(), "webserv-linux-"));
afterAll(() => fs.rmSync(folder, { recursive: true }));

const block = new Block(65_536);
const status = new FileStatus();
const text = (length: number, offset = 0): string => block.bytes.latin1Slice(offset, offset + length);

const ends: number[] = [];
afterAll(() => ends.forEach((fd) => void linux.close(fd)));
const connected = () => pair(linux, ends);

describe("files", () => {
  test("open makes them with a mode, and sets its flags on all", () => {
    const path = join(folder, "new");
    const fd = good(linux.open(path, abi.O_WRONLY | abi.O_CREAT | abi.O_EXCL, 0o640));
    expect(flagsOf(fd) & (abi.O_NONBLOCK | abi.O_CLOEXEC)).toBe(abi.O_NONBLOCK | abi.O_CLOEXEC);
    expect(fs.statSync(path).mode & 0o777).toBe(0o640 & ~process.umask());
    expect(linux.close(fd)).toBe(0);
  });

  test("openBeneath makes them too, by every policy", () => {
    const root = good(linux.open(folder, abi.O_PATH | abi.O_DIRECTORY, 0));
    for (const links of ["inside", "deny", "follow"] as const) {
      const fd = good(linux.openBeneath(root, `new-${links}`, abi.O_WRONLY | abi.O_CREAT, 0o600, links));
      expect(flagsOf(fd) & (abi.O_NONBLOCK | abi.O_CLOEXEC)).toBe(abi.O_NONBLOCK | abi.O_CLOEXEC);
      expect(fs.statSync(join(folder, `new-${links}`)).mode & 0o777).toBe(0o600);
      linux.close(fd);
    }
    linux.close(root);
  });

  test("a FIFO without a writer does not hold up open", () => {
    const path = join(folder, "fifo");
    Bun.spawnSync(["mkfifo", path]);
    const fd = good(linux.open(path, abi.O_RDONLY, 0));
    linux.fstat(fd, status);
    expect(status.mode & abi.S_IFMT).toBe(0o010000);
    linux.close(fd);
  });

  test("names are UTF-8", () => {
    fs.writeFileSync(join(folder, "größe 😀"), "x");
    const fd = good(linux.open(join(folder, "größe 😀"), abi.O_RDONLY, 0));
    expect(linux.read(fd, block, 0, 10, 0)).toBe(1);
    linux.close(fd);
  });

  test("write at the current place, O_APPEND at the end", () => {
    const path = join(folder, "log");
    for (const part of ["one ", "two "]) {
      const fd = good(linux.open(path, abi.O_WRONLY | abi.O_CREAT | abi.O_APPEND, 0o600));
      block.bytes.write(`..${part}`, 0);
      expect(linux.write(fd, block, 2, 4)).toBe(4);
      expect(linux.write(fd, block, 2, 4)).toBe(4);
      linux.close(fd);
    }
    expect(fs.readFileSync(path, "utf8")).toBe("one one two two ");
  });

  test("read at the current place moves it, read at a position does not", () => {
    fs.writeFileSync(join(folder, "digits"), "0123456789");
    const fd = good(linux.open(join(folder, "digits"), abi.O_RDONLY, 0));
    expect([linux.read(fd, block, 7, 3, -1), text(3, 7)]).toEqual([3, "012"]);
    expect([linux.read(fd, block, 0, 3, 8), text(2)]).toEqual([2, "89"]);
    expect([linux.read(fd, block, 0, 3, -1), text(3)]).toEqual([3, "345"]);
    expect(linux.read(fd, block, 0, 3, 10)).toBe(0);
    linux.close(fd);
  });

  test("chmod sets the permission bits", () => {
    const path = join(folder, "bits");
    fs.writeFileSync(path, "", { mode: 0o600 });
    expect(linux.chmod(path, 0o644)).toBe(0);
    expect(fs.statSync(path).mode & 0o777).toBe(0o644);
  });

  test("unlink removes a file, and a link but not what it names", () => {
    for (const name of ["target", "other"]) fs.writeFileSync(join(folder, name), "");
    fs.symlinkSync("target", join(folder, "alias"));
    const root = good(linux.open(folder, abi.O_PATH, 0));
    expect(linux.unlink(root, "alias")).toBe(0);
    expect(linux.unlink(abi.AT_FDCWD, join(folder, "other"))).toBe(0);
    expect(["target", "other", "alias"].map((name) => fs.existsSync(join(folder, name)))).toEqual([true, false, false]);
    linux.close(root);
  });

  test("mkdir makes folders with a mode, rmdir removes empty ones", () => {
    const root = good(linux.open(folder, abi.O_PATH, 0));
    expect(linux.mkdir(root, "made", 0o750)).toBe(0);
    expect(linux.mkdir(abi.AT_FDCWD, join(folder, "made/größe"), 0o777)).toBe(0);
    const modes = ["made", "made/größe"].map((name) => fs.statSync(join(folder, name)).mode);
    expect(modes).toEqual([0o750, 0o777].map((mode) => abi.S_IFDIR | (mode & ~process.umask())));
    expect([linux.rmdir(root, "made/größe"), linux.rmdir(root, "made")]).toEqual([0, 0]);
    expect(fs.existsSync(join(folder, "made"))).toBe(false);
    linux.close(root);
  });

  test("allocate reserves room and leaves the size as it is; truncate sets it and gives the room back", () => {
    const path = join(folder, "roomy");
    const fd = good(linux.open(path, abi.O_WRONLY | abi.O_CREAT, 0o600));
    expect(linux.allocate(fd, 4096, 1_000_000)).toBe(0);
    const { size, blocks } = fs.statSync(path);
    expect(size).toBe(0);
    expect(blocks * 512).toBeGreaterThanOrEqual(1_000_000);
    expect(linux.truncate(fd, 0)).toBe(0);
    expect(fs.statSync(path).blocks).toBe(0);
    expect(linux.truncate(fd, 10)).toBe(0);
    expect(fs.statSync(path).size).toBe(10);
    linux.close(fd);
  });

  test("fchmod sets the permission bits of an open file", () => {
    const path = join(folder, "open-bits");
    const fd = good(linux.open(path, abi.O_WRONLY | abi.O_CREAT, 0o600));
    expect(linux.fchmod(fd, 0o644)).toBe(0);
    expect(fs.statSync(path).mode & 0o777).toBe(0o644);
    linux.close(fd);
  });

  test("fchown sets the owner of an open file", () => {
    const path = join(folder, "owned");
    const fd = good(linux.open(path, abi.O_WRONLY | abi.O_CREAT, 0o600));
    const { uid, gid } = fs.statSync(path);
    expect(linux.fchown(fd, uid, gid)).toBe(0);
    expect(process.getuid?.() === 0 ? linux.fchown(fd, 12, 34) : 0).toBe(0);
    expect(fs.statSync(path)).toMatchObject(process.getuid?.() === 0 ? { uid: 12, gid: 34 } : { uid, gid });
    linux.close(fd);
  });

  test("futimens sets the modification time of an open file to the nanosecond, and no other", () => {
    const path = join(folder, "times");
    const fd = good(linux.open(path, abi.O_WRONLY | abi.O_CREAT, 0o600));
    fs.utimesSync(path, 1000, 2000);
    const status = new FileStatus();
    for (const [seconds, nanoseconds] of [
      [1_800_000_000, 123_456_789],
      [0, 1],
      [2 ** 33, 0],
    ] as const) {
      expect(linux.futimens(fd, seconds, nanoseconds)).toBe(0);
      expect(linux.fstat(fd, status)).toBe(0);
      expect([status.mtimeSeconds, status.mtimeNanoseconds]).toEqual([seconds, nanoseconds]);
      expect(fs.statSync(path).atimeMs).toBe(1_000_000);
    }
    linux.close(fd);
  });

  test("an extended attribute is what it was set to", () => {
    const fd = good(linux.open(join(folder, "attributes"), abi.O_RDWR | abi.O_CREAT, 0o600));
    const block = new Block(64);
    block.bytes.write("..value..");
    const n = linux.setAttribute(fd, "user.webserv.test", block, 2, 5);
    if (n === -ERRNO.EOPNOTSUPP) return void linux.close(fd); // this file system has none
    expect(n).toBe(0);
    expect(linux.getAttribute(fd, "user.webserv.test", block, 20, 5)).toBe(5);
    expect(block.bytes.toString("latin1", 20, 25)).toBe("value");
    expect(linux.getAttribute(fd, "user.webserv.test", block, 20, 4)).toBe(-ERRNO.ERANGE);
    expect(linux.setAttribute(fd, "user.webserv.test", block, 0, 0)).toBe(0);
    expect(linux.getAttribute(fd, "user.webserv.test", block, 20, 5)).toBe(0);
    linux.close(fd);
  });

  test("flock lasts until the file is closed, and an opener may lock twice", () => {
    const path = join(folder, "lock");
    const open = () => good(linux.open(path, abi.O_RDWR | abi.O_CREAT, 0o600));
    const [first, second] = [open(), open()];
    expect([linux.flock(first), linux.flock(first), linux.flock(second)]).toEqual([0, 0, -ERRNO.EAGAIN]);
    linux.close(first);
    expect(linux.flock(second)).toBe(0);
    linux.close(second);
  });

  test("a file that is removed while open can still be written and read", () => {
    const path = join(folder, "going");
    const fd = good(linux.open(path, abi.O_RDWR | abi.O_CREAT, 0o600));
    expect(linux.unlink(abi.AT_FDCWD, path)).toBe(0);
    block.bytes.write("still here");
    expect([linux.write(fd, block, 0, 10), linux.read(fd, block, 20, 10, 0), text(10, 20)]).toEqual([
      10,
      10,
      "still here",
    ]);
    linux.close(fd);
  });

  test.each([["plain"], ["größe/😀"], ["x/".repeat(2000)]])("readlink gives the whole target", (target) => {
    const path = join(folder, "readlink");
    fs.rmSync(path, { force: true });
    fs.symlinkSync(target, path);
    const into: string[] = [];
    expect(linux.readlink(abi.AT_FDCWD, path, into)).toBe(Buffer.byteLength(target));
    expect(into).toEqual([target]);
  });

  test("getdents has every name once, with its type", () => {
    const many = join(folder, "many");
    fs.mkdirSync(many);
    fs.mkdirSync(join(many, "sub"));
    fs.symlinkSync("sub", join(many, "link"));
    for (let i = 0; i < 500; i++) fs.writeFileSync(join(many, `größe-${i}`), "");
    const fd = good(linux.open(many, abi.O_RDONLY | abi.O_DIRECTORY, 0));
    const small = new Block(1000);
    const found: abi.DirectoryEntry[] = [];
    for (let n = 1; (n = linux.getdents(fd, small)) > 0; ) found.push(...abi.directoryEntries(small, n));
    linux.close(fd);
    expect(found.map(({ name }) => name).sort()).toEqual(fs.readdirSync(many).sort());
    const type = (name: string) => found.find((entry) => entry.name === name)!.type;
    expect([type("sub"), type("link"), type("größe-7")]).toEqual([abi.DT_DIR, abi.DT_LNK, abi.DT_REG]);
  });
});

describe("fstat says what stat(1) says", () => {
  const dates = [
    "2026-01-02T03:04:05.123456789Z",
    "1970-01-01T00:00:00Z",
    "1912-06-23T00:00:00.5Z",
    "2286-11-20T17:46:40Z",
  ];

  test.each(dates.map((date) => [date]))("of a file of %s", (date) => {
    const path = join(folder, "dated");
    fs.writeFileSync(path, "1234567");
    Bun.spawnSync(["touch", "-d", date, path]);
    const fd = good(linux.open(path, abi.O_RDONLY, 0));
    expect(linux.fstat(fd, status)).toBe(0);
    linux.close(fd);
    const { mode, ino, size, mtimeNs, ctimeNs, uid, gid } = fs.statSync(path, { bigint: true });
    const changed = BigInt(status.ctimeSeconds) * 1_000_000_000n + BigInt(status.ctimeNanoseconds);
    expect([changed, BigInt(status.user), BigInt(status.group)]).toEqual([ctimeNs, uid, gid]);
    const seconds = BigInt(status.mtimeSeconds) * 1_000_000_000n + BigInt(status.mtimeNanoseconds);
    expect([BigInt(status.mode), BigInt(status.inode), BigInt(status.size)]).toEqual([mode, ino, size]);
    expect(seconds).toBe(mtimeNs);
  });

  test("of folders, links by O_PATH, and devices", () => {
    fs.symlinkSync("nowhere", join(folder, "dangling"));
    const typeOf = (path: string, flags: number): number => {
      const fd = good(linux.open(path, flags, 0));
      linux.fstat(fd, status);
      linux.close(fd);
      return status.mode & abi.S_IFMT;
    };
    expect(typeOf(folder, abi.O_PATH)).toBe(abi.S_IFDIR);
    expect(typeOf(join(folder, "dangling"), abi.O_PATH | abi.O_NOFOLLOW)).toBe(abi.S_IFLNK);
    expect(typeOf("/dev/null", abi.O_RDONLY)).toBe(0o020000);
    typeOf(folder, abi.O_PATH);
    const here = status.device;
    typeOf("/proc", abi.O_PATH);
    expect(status.device).not.toBe(here);
  });
});

/** A file with holes: `Webserv` at its start, at 5 GiB and at its end. */
const FAR = 5 * 2 ** 30;
const SIZE = FAR + 100_000;
function hugeFile(): string {
  const path = join(folder, "huge");
  if (fs.existsSync(path)) return path;
  const fd = fs.openSync(path, "w");
  for (const position of [0, FAR, SIZE - 7]) fs.writeSync(fd, "Webserv", position);
  fs.closeSync(fd);
  return path;
}

describe("beyond 4 GB", () => {
  const path = hugeFile();
  const fd = good(linux.open(path, abi.O_RDONLY, 0));
  afterAll(() => linux.close(fd));

  test("fstat", () => {
    linux.fstat(fd, status);
    expect(status.size).toBe(SIZE);
  });

  test("read", () => {
    expect([linux.read(fd, block, 0, 7, FAR), text(7)]).toEqual([7, "Webserv"]);
    expect([linux.read(fd, block, 0, 100, SIZE - 7), text(7)]).toEqual([7, "Webserv"]);
    expect(linux.read(fd, block, 0, 100, SIZE)).toBe(0);
    expect([linux.read(fd, block, 0, 7, 2 ** 32), text(7)]).toEqual([7, "\0".repeat(7)]);
  });

  test("sendfile", () => {
    const { near, far } = connected();
    expect(linux.sendfile(near, fd, FAR, 7)).toBe(7);
    expect(linux.sendfile(near, fd, SIZE - 7, 100)).toBe(7);
    expect(linux.sendfile(near, fd, SIZE, 100)).toBe(0);
    expect(receive(linux, far, block, 14)).toBe("WebservWebserv");
  });

  test.each([[2 ** 31 - 1], [2 ** 31], [2 ** 32], [2 ** 32 + 1], SIZE].flat().map((length) => [length]))(
    "sendfile of %d bytes takes what the socket takes",
    (length) => {
      const { near, far } = connected();
      const n = linux.sendfile(near, fd, 0, length);
      expect(n).toBeGreaterThan(1000);
      expect(receive(linux, far, block, 9)).toBe("Webserv\0\0");
    },
  );
});
