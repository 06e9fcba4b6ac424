/** A log file on a disk that is slow, full or gone: what arrives are lines, or nothing. */
import { describe, expect, test } from "bun:test";
import { ERRNO } from "../../../ffi/errno.ts";
import type { Kernel } from "../../../ffi/kernel.ts";
import type { Block } from "../../../ffi/memory.ts";
import { LogFile } from "../../../src/server/log-file.ts";

/** A disk of files by descriptor, which takes `room` bytes and `most` at once. */
class Disk {
  room = Number.POSITIVE_INFINITY;
  most = Number.POSITIVE_INFINITY;
  readonly files: string[] = ["", "", ""];
  readonly complaints: string[] = [];
  readonly log: LogFile;

  constructor() {
    const kernel: Partial<Kernel> = {
      open: () => this.files.push("") - 1,
      write: (fd, block, offset, length) => this.take(fd, block, offset, length),
      close: () => 0,
    };
    this.log = new LogFile(kernel as Kernel, "a.log", (message) => this.complaints.push(message));
    this.log.open();
  }

  private take(fd: number, { bytes }: Block, offset: number, length: number): number {
    const n = Math.min(length, this.room, this.most);
    if (n === 0) return -ERRNO.ENOSPC;
    this.room -= n;
    this.files[fd] += bytes.latin1Slice(offset, offset + n);
    return n;
  }

  get text(): string {
    return this.files.at(-1)!;
  }
}

/** Lines of a size each, all different. */
const line = (name: string, size: number): string => `${name.padEnd(size - 1, name)}\n`;

describe("lines arrive whole, whatever their length", () => {
  test.each([10, 32 * 1024, 64 * 1024 - 1, 64 * 1024, 64 * 1024 + 1, 300_000])("%i bytes", (size) => {
    for (const most of [Number.POSITIVE_INFINITY, 1000]) {
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
    const long = line("x", 100_000);
    for (const room of [65_536, 70_000]) {
      expect(fill(room, [long, long], ["next\n"]).text === `${long.slice(0, room)}\nnext\n`).toBe(true);
    }
  });

  test("once it is known to be within a line, a long line is not joined to it either", () => {
    const long = line("x", 100_000);
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
