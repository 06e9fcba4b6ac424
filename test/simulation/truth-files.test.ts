/** Checks simulated files: the same tree on disk and in memory gives the same results (openat2(2)). */
import { afterAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as abi from "../../ffi/abi.ts";
import { FileStatus, type Kernel, type LinkPolicy } from "../../ffi/kernel.ts";
import { linux } from "../../ffi/linux.ts";
import { Block } from "../../ffi/memory.ts";
import { errnoName } from "../errno-name.ts";
import { SimulatedKernel } from "./kernel.ts";

const small = new Block(512);

const disk = mkdtempSync(join(tmpdir(), "truth-"));
const simulated = new SimulatedKernel(1);
afterAll(() => rmSync(disk, { recursive: true }));

for (const folder of ["root/sub", "root/locked"]) mkdirSync(join(disk, folder), { recursive: true });
writeFileSync(join(disk, "root/file"), "content");
writeFileSync(join(disk, "root/sub/deep"), "deep");
writeFileSync(join(disk, "outside"), "outside");
const links = {
  "root/inner": "file",
  "root/up": "sub/../file",
  "root/out": "../outside",
  "root/absolute": "/etc",
  "root/loop": "loop",
  "root/dangling": "nowhere",
  "root/folder": "sub",
};
for (const [path, target] of Object.entries(links)) symlinkSync(target, join(disk, path));

const { tree } = simulated.files;
for (const folder of ["/t/root/sub", "/t/root/locked"]) tree.folder(folder);
tree.file("/t/root/file", "content");
tree.file("/t/root/sub/deep", "deep");
tree.file("/t/outside", "outside");
tree.folder("/etc");
for (const [path, target] of Object.entries(links)) tree.link(`/t/${path}`, target);

/** Opens a path within root; gives its type and, for files, its size. */
function opens(kernel: Kernel, base: string, path: string, policy: LinkPolicy, flags: number): string {
  const root = kernel.open(join(base, "root"), abi.O_PATH | abi.O_DIRECTORY, 0);
  const fd = kernel.openBeneath(root, path, flags, 0, policy);
  kernel.close(root);
  if (fd < 0) return errnoName(fd);
  const status = new FileStatus();
  kernel.fstat(fd, status);
  kernel.close(fd);
  const kind = { [abi.S_IFREG]: "file", [abi.S_IFDIR]: "folder", [abi.S_IFLNK]: "link" }[status.mode & abi.S_IFMT];
  return kind === "file" ? `file of ${status.size}` : String(kind);
}

/** The type and size of the file at a path, links followed. */
function stats(kernel: Kernel, base: string, path: string): string {
  const status = new FileStatus();
  const n = kernel.stat(`${base}/root/${path}`, status);
  if (n < 0) return errnoName(n);
  return (status.mode & abi.S_IFMT) === abi.S_IFREG ? `file of ${status.size}` : `type ${status.mode & abi.S_IFMT}`;
}

const PATHS = [
  "file",
  ".",
  "sub",
  "sub/",
  "sub/deep",
  "sub/../file",
  "sub/./deep",
  "sub//deep",
  "file/",
  "file/x",
  "missing",
  "missing/x",
  "..",
  "../outside",
  "sub/../../outside",
  "/etc",
  "inner",
  "up",
  "out",
  "absolute",
  "loop",
  "dangling",
  "folder/deep",
  "folder",
  "x".repeat(255),
  "x".repeat(256),
  `${"sub/../".repeat(600)}file`,
];
const FLAGS = {
  O_RDONLY: 0,
  O_PATH: abi.O_PATH,
  O_DIRECTORY: abi.O_DIRECTORY,
  O_NOFOLLOW: abi.O_NOFOLLOW,
  "O_PATH|O_NOFOLLOW": abi.O_PATH | abi.O_NOFOLLOW,
} as const;

describe.each(["inside", "deny", "follow"] as const)("openBeneath with links: %s", (policy) => {
  test.each(Object.entries(FLAGS))("and %s", (_name, flags) => {
    const table = (kernel: Kernel, base: string) =>
      PATHS.filter((path) => policy !== "follow" || path !== "/etc").map((path) => [
        path,
        opens(kernel, base, path, policy, flags),
      ]);
    const expected = Object.fromEntries(table(linux, disk));
    const actual = Object.fromEntries(table(simulated, "/t"));
    expect(actual).toEqual(expected);
  });
});

test("stat tells the same of what a path leads to", () => {
  const table = (kernel: Kernel, base: string) =>
    PATHS.filter((path) => path !== "/etc").map((path) => [path, stats(kernel, base, path)]);
  expect(table(simulated, "/t")).toEqual(table(linux, disk));
});

test("getdents lists the same names and types", () => {
  const list = (kernel: Kernel, path: string) => {
    const fd = kernel.open(path, abi.O_DIRECTORY, 0);
    const entries: [string, number][] = [];
    for (let n = 0; (n = kernel.getdents(fd, small)) > 0; ) {
      entries.push(...abi.directoryEntries(small, n).map(({ name, type }): [string, number] => [name, type]));
    }
    kernel.close(fd);
    return entries.sort();
  };
  expect(list(simulated, "/t/root")).toEqual(list(linux, join(disk, "root")));
});
