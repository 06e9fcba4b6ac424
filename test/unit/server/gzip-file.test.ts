/** A compressed log: members that zcat reads one after the other, also after a full disk and a move. */
import { expect, test } from "bun:test";
import { gunzipSync } from "node:zlib";
import { S_IFREG } from "../../../ffi/abi.ts";
import { ERRNO } from "../../../ffi/errno.ts";
import type { Kernel } from "../../../ffi/kernel.ts";
import { GzipFile } from "../../../src/server/logs/gzip-file.ts";

/** Files by descriptor, on a disk with `room` bytes. */
class Disk {
  room = Number.POSITIVE_INFINITY;
  readonly files: Buffer[] = [];
  readonly complaints: string[] = [];
  readonly log: GzipFile;

  constructor(size: number) {
    const kernel: Partial<Kernel> = {
      open: () => this.files.push(Buffer.alloc(0)) - 1,
      write: (fd, block, offset, length) => {
        const n = Math.min(length, this.room);
        this.room -= n;
        this.files[fd] = Buffer.concat([this.files[fd]!, block.bytes.subarray(offset, offset + n)]);
        return n === 0 ? -ERRNO.ENOSPC : n;
      },
      fstat: (fd, into) => {
        into.mode = S_IFREG;
        into.size = this.files[fd]!.length;
        return 0;
      },
      truncate: (fd, length) => {
        this.files[fd] = this.files[fd]!.subarray(0, length);
        return 0;
      },
      close: () => 0,
    };
    const buffer = { size, flush: null, gzip: 6 };
    this.log = new GzipFile(
      kernel as Kernel,
      "a.gz",
      (message) => this.complaints.push(message),
      () => {},
      buffer,
    );
    expect(this.log.open()).toBe(0);
  }
}

const text = (file: Buffer | undefined): string => gunzipSync(file!).toString("latin1");

test("lines of any length, a buffer at a time", () => {
  const disk = new Disk(20);
  const lines = ["one\n", "two\n", `${"x".repeat(50)}\n`, "\xff\n", `${"y".repeat(19)}\n`, "end\n"];
  for (const line of lines) disk.log.write(line);
  expect(disk.files[0]!.length).toBeGreaterThan(0);
  disk.log.close();
  expect(text(disk.files[0])).toBe(lines.join(""));
});

test("nothing is written before the buffer is full", () => {
  const disk = new Disk(8);
  disk.log.write("one\n");
  disk.log.write("two\n");
  expect(disk.files[0]!.length).toBe(0);
  disk.log.write("three\n");
  expect(text(disk.files[0])).toBe("one\ntwo\n");
});

test("a disk that fills up within a member: what there is of it is removed, and it is told once", () => {
  const disk = new Disk(4);
  disk.log.write("one\n");
  disk.log.flush();
  disk.room = 10;
  for (const line of ["two\n", "6 6\n"]) disk.log.write(line);
  disk.log.flush();
  expect(text(disk.files[0])).toBe("one\n");
  disk.room = Number.POSITIVE_INFINITY;
  disk.log.write("end\n");
  disk.log.close();
  expect(text(disk.files[0])).toBe("one\nend\n");
  expect(disk.complaints).toEqual(['write to "a.gz" failed (28: No space left on device)']);
});

test("opened anew after a move, what waited is in the old file", () => {
  const disk = new Disk(100);
  disk.log.write("old\n");
  disk.log.open();
  disk.log.write("new\n");
  disk.log.close();
  expect(disk.files.map(text)).toEqual(["old\n", "new\n"]);
});
