/** A log file on a disk that is slow, full or gone: what arrives are lines, or nothing. */
import { describe, expect, test } from "bun:test";
import { S_IFCHR, S_IFIFO, S_IFREG, S_IFSOCK } from "../../../ffi/abi.ts";
import { ERRNO } from "../../../ffi/errno.ts";
import type { Kernel } from "../../../ffi/kernel.ts";
import type { Block } from "../../../ffi/memory.ts";
import { LogFile } from "../../../src/server/logs/log-file.ts";

/** A disk of files by descriptor, which takes `room` bytes and `most` at once. */
class Disk {
  room = Number.POSITIVE_INFINITY;
  most = Number.POSITIVE_INFINITY;
  /** Without room it is full for now, not for good. */
  isPipe = false;
  readonly files: string[] = ["", "", ""];
  readonly complaints: string[] = [];
  readonly log: LogFile;

  constructor() {
    const kernel: Partial<Kernel> = {
      open: () => this.files.push("") - 1,
      write: (fd, block, offset, length) => this.take(fd, block, offset, length),
      close: () => 0,
    };
    this.log = new LogFile(
      kernel as Kernel,
      "a.log",
      (message) => this.complaints.push(message),
      () => {},
    );
    this.log.open();
  }

  private take(fd: number, { bytes }: Block, offset: number, length: number): number {
    const n = Math.min(length, this.room, this.most);
    if (n === 0) return this.isPipe ? -ERRNO.EAGAIN : -ERRNO.ENOSPC;
    this.room -= n;
    this.files[fd] += bytes.latin1Slice(offset, offset + n);
    return n;
  }

  get text(): string {
    return this.files.at(-1)!;
  }
}

/** What it holds at most in memory. */
const MOST = 1024 * 1024;

/** Lines of a size each, all different. */
const line = (name: string, size: number): string => `${name.padEnd(size - 1, name)}\n`;

describe("lines arrive whole, whatever their length", () => {
  test.each([10, 32 * 1024, 300_000, MOST - 1, MOST, MOST + 1, 3_000_000])("%i bytes", (size) => {
    for (const most of [Number.POSITIVE_INFINITY, 10_000]) {
      const disk = new Disk();
      disk.most = most;
      const lines = [line("a", 20), line("b", size), line("c", size), line("d", 20)];
      for (const each of lines) disk.log.write(each);
      disk.log.flush();
      expect(disk.text === lines.join("")).toBe(true);
    }
  });

  test("a character is a byte", () => {
    const disk = new Disk();
    disk.log.write("\xff\xc3\xbc\n");
    disk.log.flush();
    expect(disk.text).toBe("\xff\xc3\xbc\n");
  });
});

describe("a full disk", () => {
  /** Writes, with room for `room` bytes of them; then with room again. */
  function fill(room: number, before: readonly string[], after: readonly string[]): Disk {
    const disk = new Disk();
    disk.room = room;
    for (const each of before) disk.log.write(each);
    disk.log.flush();
    disk.room = Number.POSITIVE_INFINITY;
    for (const each of after) disk.log.write(each);
    disk.log.flush();
    return disk;
  }

  test.each([
    ["breaks off within a line", 6, "one\ntw\nthree\n"],
    ["breaks off between lines", 4, "one\nthree\n"],
    ["takes nothing", 0, "three\n"],
  ])("that %s", (_, room, text) => {
    expect(fill(room, ["one\n", "two\n"], ["three\n"]).text).toBe(text);
  });

  test("breaks off within a long line, after a piece of it", () => {
    const long = line("x", 2 * MOST);
    for (const room of [65_536, MOST, MOST + 1000]) {
      expect(fill(room, [long, long], ["next\n"]).text === `${long.slice(0, room)}\nnext\n`).toBe(true);
    }
  });

  test("once it is known to be within a line, a long line is not joined to it either", () => {
    const long = line("x", 2 * MOST);
    expect(fill(2, ["one\n"], [long]).text === `on\n${long}`).toBe(true);
    expect(fill(2, ["one\n", long], ["next\n"]).text).toBe("on\nnext\n");
  });

  test("is told once, and again after it was mended", () => {
    const disk = fill(0, ["one\n"], ["two\n"]);
    for (const _ of [1, 2]) {
      disk.room = 0;
      disk.log.write("three\n");
      disk.log.flush();
    }
    const message = 'write to "a.log" failed (28: No space left on device)';
    expect(disk.complaints).toEqual([message, message]);
  });

  test("a file opened anew begins with a line", () => {
    const disk = new Disk();
    disk.room = 2;
    disk.log.write("one\n");
    disk.log.flush();
    disk.log.open();
    disk.room = Number.POSITIVE_INFINITY;
    disk.log.write("two\n");
    disk.log.flush();
    expect(disk.files.slice(3)).toEqual(["on", "two\n"]);
  });
});

describe("a pipe whose reader is slow", () => {
  /** A full pipe. */
  function full(): Disk {
    const disk = new Disk();
    disk.isPipe = true;
    disk.room = 0;
    return disk;
  }

  /** Writes `count` lines, of which the pipe takes a little at a time until it has had about `most` bytes; gives the lines. */
  function trickle(disk: Disk, count: number, most: number): string[] {
    const lines = Array.from({ length: count }, (_, i) => line(`${i} `, 10_000));
    for (const each of lines) {
      disk.log.write(each);
      if (disk.text.length < most) disk.room = 1234;
    }
    return lines;
  }

  test("keeps lines until it reads", () => {
    const disk = full();
    const lines = trickle(disk, 100, 100_000);
    expect(disk.log.flush()).toBe(false);
    expect(disk.log.waits).toBe(true);
    disk.room = Number.POSITIVE_INFINITY;
    expect(disk.log.flush()).toBe(true);
    expect(disk.text === lines.join("")).toBe(true);
    expect(disk.complaints).toEqual([]);
  });

  test("loses whole lines when there are too many, and says how many", () => {
    const disk = full();
    const lines = Array.from({ length: 120 }, (_, i) => line(`${i} `, 10_000));
    for (const each of lines) disk.log.write(each);
    disk.room = 15_000;
    disk.log.flush();
    disk.room = Number.POSITIVE_INFINITY;
    disk.log.flush();
    expect(disk.text === lines.slice(0, 104).join("")).toBe(true);
    expect(disk.complaints).toEqual(['16 lines for "a.log" were lost: its reader was too slow']);
  });

  test("a line longer than what is kept is broken off, not joined to the next", () => {
    const disk = full();
    disk.room = MOST + 1000;
    disk.log.write(line("x", 3 * MOST));
    disk.room = Number.POSITIVE_INFINITY;
    disk.log.write("next\n");
    disk.log.flush();
    expect(disk.text === `${"x".repeat(MOST + 1000)}\nnext\n`).toBe(true);
  });

  test("gets what waited when the file is opened anew", () => {
    const disk = full();
    const lines = trickle(disk, 10, 20_000);
    disk.log.open();
    disk.room = Number.POSITIVE_INFINITY;
    expect(disk.log.flush()).toBe(true);
    expect(disk.files.join("") === lines.join("")).toBe(true);
  });

  test("is not waited for when the file is closed, and that is told", () => {
    const disk = full();
    disk.log.write("one\n");
    disk.log.close();
    expect(disk.text).toBe("");
    expect(disk.log.waits).toBe(false);
    expect(disk.complaints).toEqual(['4 bytes for "a.log" were lost: its reader was too slow']);
  });

  test("that is gone, in the middle of a line, is nobody to wait for", () => {
    const disk = full();
    disk.room = 2;
    disk.log.write("one\n");
    disk.log.flush();
    expect(disk.log.waits).toBe(true);
    disk.isPipe = false;
    disk.log.flush();
    expect(disk.log.waits).toBe(false);
  });
});

test.each([
  ["a socket is sent to, for it may block those who write", S_IFSOCK, ["send 2 one\n"]],
  ["a pipe is opened once more, for it may block too", S_IFIFO, ["open /proc/self/fd/2", "write 7 one\n"]],
  ["a terminal as well", S_IFCHR, ["open /proc/self/fd/2", "write 7 one\n"]],
  ["a file is written as it is", S_IFREG, ["write 2 one\n"]],
])("what standard error is: %s", (_, type, expected) => {
  const calls: string[] = [];
  const put = (name: string) => (fd: number, block: Block, offset: number, length: number) => {
    calls.push(`${name} ${fd} ${block.bytes.latin1Slice(offset, offset + length)}`);
    return length;
  };
  const kernel: Partial<Kernel> = {
    fstat: (_fd, into) => (into.mode = type) * 0,
    open: (path) => calls.push(`open ${path}`) + 6,
    write: put("write"),
    send: put("send"),
  };
  const log = new LogFile(
    kernel as Kernel,
    "stderr",
    (message) => calls.push(message),
    () => {},
  );
  expect(log.open()).toBe(0);
  log.write("one\n");
  log.flush();
  expect(calls).toEqual(expected);
});

test("a pipe of another user can't be opened: epoll is asked before each write, which is small enough for any room", () => {
  const written: number[] = [];
  let ready = 0;
  const closed: number[] = [];
  const kernel: Partial<Kernel> = {
    fstat: (_fd, into) => (into.mode = S_IFIFO) * 0,
    open: () => -ERRNO.EACCES,
    epollCreate: () => 9,
    epollAdd: () => 0,
    epollWait: (_epoll, _events, _capacity, timeout) => (timeout === 0 && ready-- > 0 ? 1 : 0),
    write: (_fd, _block, _offset, length) => {
      written.push(length);
      return length;
    },
    close: (fd) => closed.push(fd) * 0,
  };
  const log = new LogFile(
    kernel as Kernel,
    "stderr",
    () => {},
    () => {},
  );
  expect(log.open()).toBe(0);
  log.write(line("a", 10_000));
  expect(log.flush()).toBe(false);
  expect(log.waits).toBe(true);
  ready = 2;
  expect(log.flush()).toBe(false);
  ready = 1;
  expect(log.flush()).toBe(true);
  expect(written).toEqual([4096, 4096, 1808]);
  log.close();
  expect(closed).toEqual([9]);
});
