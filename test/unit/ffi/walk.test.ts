/**
 * The kernel's openat2(RESOLVE_BENEATH) and the walk that stands in for it agree: on a table of paths and links with
 * what is expected of both, on every path of it with every combination of flags, and on random trees.
 */
import { afterAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import * as abi from "../../../ffi/abi.ts";
import { ERRNO } from "../../../ffi/errno.ts";
import { FileStatus } from "../../../ffi/kernel.ts";
import { linux } from "../../../ffi/linux.ts";
import { beneath } from "../../../ffi/paths/beneath.ts";
import { type Steps, walkBeneath } from "../../../ffi/paths/walk.ts";
import { errnoName } from "../../errno-name.ts";
import { build, TABLE } from "./walk-cases.ts";

type Policy = "inside" | "deny";
type Opener = (directory: number, path: string, flags: number, mode: number, links: Policy) => number;

const steps: Steps = {
  openat: (directory, name, flags, mode) => linux.openBeneath(directory, name, flags, mode, "follow"),
  readlink: linux.readlink,
  close: linux.close,
};
const walk: Opener = (directory, path, flags, mode, links) => walkBeneath(steps, directory, path, flags, mode, links);
const kernel: Opener = (directory, path, flags, mode, links) => linux.openBeneath(directory, path, flags, mode, links);
const status = new FileStatus();

const openFolder = (path: string): number => linux.open(path, abi.O_PATH | abi.O_DIRECTORY, 0);

/** Which file was opened, or the error's name. */
function outcome(open: Opener, root: number, path: string, flags: number, links: Policy): string {
  const fd = open(root, path, flags, 0o600, links);
  if (fd < 0) return errnoName(fd);
  linux.fstat(fd, status);
  linux.close(fd);
  return `${status.device}:${status.inode}`;
}

const top = mkdtempSync(join(tmpdir(), "webserv-walk-"));
const root = join(top, "root");
afterAll(() => rmSync(top, { recursive: true }));
build(root);
const rootFd = openFolder(root);

/** What the table says, in the words of `outcome`. */
function inTable(expected: string): string {
  if (/^E[A-Z]+$/.test(expected)) return expected;
  const fd = linux.open(join(root, expected), abi.O_PATH, 0);
  linux.fstat(fd, status);
  linux.close(fd);
  return `${status.device}:${status.inode}`;
}

const ways = [
  ["the kernel", kernel],
  ["the walk", walk],
] as const;

for (const [who, open] of ways) {
  describe(`beneath a folder, ${who}`, () => {
    for (const [path, inside, deny = inside] of TABLE) {
      const shown =
        path.length > 60 ? `${JSON.stringify(path.slice(0, 20))}... of ${path.length}` : JSON.stringify(path);
      test(`${shown}: ${inside === deny ? inside : `${inside}, without links ${deny}`}`, () => {
        expect(outcome(open, rootFd, path, abi.O_RDONLY, "inside")).toBe(inTable(inside));
        expect(outcome(open, rootFd, path, abi.O_RDONLY, "deny")).toBe(inTable(deny));
      });
    }

    test("what is no folder has nothing beneath it", () => {
      const file = linux.open(join(root, "file"), abi.O_RDONLY, 0);
      expect(outcome(open, file, "x", 0, "inside")).toBe("ENOTDIR");
      expect(outcome(open, file, ".", 0, "inside")).toBe("ENOTDIR");
      linux.close(file);
      expect(outcome(open, file, "x", 0, "inside")).toBe("EBADF");
    });
  });
}

const FLAGS: readonly (readonly [name: string, flags: number])[] = [
  ["O_RDONLY", abi.O_RDONLY],
  ["O_RDWR", abi.O_RDWR],
  ["O_PATH", abi.O_PATH],
  ["O_DIRECTORY", abi.O_DIRECTORY],
  ["O_NOFOLLOW", abi.O_NOFOLLOW],
  ["O_PATH|O_NOFOLLOW", abi.O_PATH | abi.O_NOFOLLOW],
  ["O_PATH|O_DIRECTORY", abi.O_PATH | abi.O_DIRECTORY],
  ["O_DIRECTORY|O_NOFOLLOW", abi.O_DIRECTORY | abi.O_NOFOLLOW],
  ["O_PATH|O_DIRECTORY|O_NOFOLLOW", abi.O_PATH | abi.O_DIRECTORY | abi.O_NOFOLLOW],
  ["O_CREAT|O_EXCL", abi.O_WRONLY | abi.O_CREAT | abi.O_EXCL],
];

describe("with every path of the table the kernel and the walk agree", () => {
  test.each(FLAGS)("%s", (_name, flags) => {
    // A file cannot be made with the name of a folder: both refuse, not always in the same words.
    const paths = TABLE.map(([path]) => path).filter((path) => !(flags & abi.O_CREAT && /\/$/.test(path)));
    for (const links of ["inside", "deny"] as const) {
      for (const path of paths) {
        const [byKernel, byWalk] = [kernel, walk].map((open) => {
          const made = outcome(open, rootFd, path, flags, links);
          if (!(flags & abi.O_CREAT) || made.startsWith("E")) return made;
          rmSync(join(root, path));
          return "made";
        });
        expect(`${path}: ${byWalk}`).toBe(`${path}: ${byKernel}`);
      }
    }
  });

  test("O_CREAT makes what a dangling link names, and O_EXCL does not follow it", () => {
    for (const open of [kernel, walk]) {
      expect(outcome(open, rootFd, "toNothing", abi.O_WRONLY | abi.O_CREAT | abi.O_EXCL, "inside")).toBe("EEXIST");
      expect(outcome(open, rootFd, "toNothing", abi.O_WRONLY | abi.O_CREAT, "inside")).toMatch(/^\d+:\d+$/);
      rmSync(join(root, "nothing"));
    }
  });
});

/** A few names only, so that random trees and random paths meet. */
const component = fc.constantFrom("a", "b", "c", "a", "b", "c", ".", "..", "");
const path = fc.array(component, { minLength: 1, maxLength: 6 }).map((names) => names.join("/"));
const entry = fc.record({
  at: fc.array(fc.constantFrom("a", "b", "c"), { minLength: 1, maxLength: 3 }).map((names) => names.join("/")),
  is: fc.oneof(
    fc.constant("folder"),
    fc.constant("file"),
    path.map((target) => ({ target })),
  ),
});
type Entry = typeof entry extends fc.Arbitrary<infer T> ? T : never;

/** What can be made of the entries: one whose place is taken, or has no folder, is left out. */
function plant(at: string, entries: readonly Entry[]): void {
  mkdirSync(at);
  for (const { at: place, is } of entries) {
    try {
      if (is === "folder") mkdirSync(join(at, place));
      else if (is === "file") writeFileSync(join(at, place), "", { flag: "wx" });
      else if (typeof is === "object" && is.target !== "") symlinkSync(is.target, join(at, place));
    } catch {}
  }
}

describe("random trees", () => {
  test("the kernel and the walk agree on every path", () => {
    let opened = 0;
    const property = fc.property(
      fc.array(entry, { minLength: 4, maxLength: 16 }),
      fc.array(path, { minLength: 16, maxLength: 16 }),
      fc.constantFrom(...FLAGS.slice(0, -1)),
      (entries, paths, [, flags]) => {
        const folder = join(top, "random");
        rmSync(folder, { recursive: true, force: true });
        plant(folder, entries);
        const fd = openFolder(folder);
        const results = [kernel, walk].map((open) => paths.map((name) => outcome(open, fd, name, flags, "inside")));
        const denied = [kernel, walk].map((open) => paths.map((name) => outcome(open, fd, name, flags, "deny")));
        linux.close(fd);
        opened += results[0]!.filter((text) => /^\d/.test(text)).length;
        expect(results[1]).toEqual(results[0]!);
        expect(denied[1]).toEqual(denied[0]!);
      },
    );
    fc.assert(property, { numRuns: 300 });
    expect(opened).toBeGreaterThan(200);
  }, 60_000);
});

describe("which way is taken", () => {
  /** Opens a link with an openat2 that answers the probe with `probe` and then with `answers`, the last of them for ever. */
  function opensWith(probe: number, answers: readonly number[]): { result: number; asked: number } {
    let asked = -1;
    const openat2: Parameters<typeof beneath>[0] = () =>
      ++asked === 0 ? probe : answers[Math.min(asked, answers.length) - 1]!;
    const result = beneath(openat2, steps)(rootFd, "toFile", 0, 0, "inside");
    if (result >= 0) linux.close(result);
    return { result: Math.min(result, 0), asked };
  }

  test.each([["ENOSYS"], ["EPERM"]] as const)("%s from the probe: the walk, and openat2 is not asked again", (name) => {
    expect(opensWith(-ERRNO[name], [-ERRNO.EIO])).toEqual({ result: 0, asked: 0 });
  });

  test("an error of the probe that says nothing about openat2 leaves it in use", () => {
    expect(opensWith(-ERRNO.EMFILE, [-ERRNO.EACCES])).toEqual({ result: -ERRNO.EACCES, asked: 1 });
  });

  test("EPERM for one file is that file's", () => {
    expect(opensWith(-ERRNO.ENOENT, [-ERRNO.EPERM])).toEqual({ result: -ERRNO.EPERM, asked: 1 });
  });

  test("EAGAIN and EINTR: again", () => {
    const answers = [-ERRNO.EAGAIN, -ERRNO.EINTR, -ERRNO.EAGAIN, -ERRNO.EACCES];
    expect(opensWith(-ERRNO.ENOENT, answers)).toEqual({ result: -ERRNO.EACCES, asked: 4 });
  });

  test("EAGAIN without end: the walk", () => {
    expect(opensWith(-ERRNO.ENOENT, [-ERRNO.EAGAIN])).toEqual({ result: 0, asked: 100 });
  });

  test('the policy "follow" asks neither', () => {
    const open = beneath(() => -ERRNO.EIO, steps);
    const fd = open(rootFd, "../outside", 0, 0, "follow");
    expect(linux.close(fd)).toBe(0);
  });
});

describe("a link put there between the walk's look and its step", () => {
  const unseen: Steps = { ...steps, readlink: () => -ERRNO.EINVAL };

  test.each([
    ["toOutside", abi.O_RDONLY, "ELOOP"],
    ["toFile", abi.O_RDONLY, "ELOOP"],
    ["toParent/outside", abi.O_RDONLY, "ENOTDIR"],
    ["toFolder/inner", abi.O_PATH, "ENOTDIR"],
    ["toFolder", abi.O_DIRECTORY, "ENOTDIR"],
  ])("is not followed: %s", (path, flags, error) => {
    expect(errnoName(walkBeneath(unseen, rootFd, path, flags, 0, "inside"))).toBe(error);
  });
});

test("the walk leaves no descriptor open, however it ends", () => {
  const before = linux.openBeneath(rootFd, ".", abi.O_PATH, 0, "follow");
  linux.close(before);
  for (const [path] of TABLE) outcome(walk, rootFd, path, 0, "inside");
  const after = linux.openBeneath(rootFd, ".", abi.O_PATH, 0, "follow");
  linux.close(after);
  expect(after).toBe(before);
});
