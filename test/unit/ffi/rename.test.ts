/** Kernel.rename moves a file in one step, or, where the file system knows no RENAME_NOREPLACE, by link(2) and unlink(2), with the same answers. */
import { afterAll, beforeEach, describe, expect, test } from "bun:test";
import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as abi from "../../../ffi/abi.ts";
import { ERRNO } from "../../../ffi/errno.ts";
import type { Kernel } from "../../../ffi/kernel.ts";
import { linux } from "../../../ffi/linux.ts";
import { renaming } from "../../../ffi/paths/rename.ts";
import { errnoName } from "../../errno-name.ts";

const folder = fs.mkdtempSync(join(tmpdir(), "webserv-rename-"));
const root = linux.open(folder, abi.O_PATH | abi.O_DIRECTORY, 0);
const sub = (): number => linux.open(join(folder, "sub"), abi.O_PATH | abi.O_DIRECTORY, 0);
afterAll(() => {
  linux.close(root);
  fs.rmSync(folder, { recursive: true });
});

beforeEach(() => {
  for (const name of fs.readdirSync(folder)) fs.rmSync(join(folder, name), { recursive: true });
  fs.mkdirSync(join(folder, "sub"));
  fs.writeFileSync(join(folder, "größe"), "new");
  fs.writeFileSync(join(folder, "sub/there"), "old");
});

const nameOf = (directory: number, name: string): string => join(fs.readlinkSync(`/proc/self/fd/${directory}`), name);

/** What node says a call failed with. */
function answer(call: () => void): number {
  try {
    call();
    return 0;
  } catch (error) {
    return (error as { errno: number }).errno;
  }
}

/** A file system that knows no flags, as renameat2(2) has it. */
const flagless = (unknown: number, link?: number): Parameters<typeof renaming>[0] => ({
  renameat2: (fromDirectory, from, toDirectory, to, flags) =>
    flags === 0 ? linux.rename(fromDirectory, from, toDirectory, to, true) : unknown,
  linkat: (fromDirectory, from, toDirectory, to) =>
    link ?? answer(() => fs.linkSync(nameOf(fromDirectory, from), nameOf(toDirectory, to))),
  unlinkat: linux.unlink,
});

const KERNELS: readonly (readonly [string, Kernel["rename"]])[] = [
  ["renameat2", linux.rename],
  ["without RENAME_NOREPLACE", renaming(flagless(-ERRNO.EINVAL))],
  ["without renameat2's flags at all", renaming(flagless(-ERRNO.ENOSYS))],
];

/** Every file in the folder and what is in it. */
function files(): Record<string, string> {
  const names = fs.readdirSync(folder, { recursive: true }) as string[];
  const regular = names.filter((name) => fs.statSync(join(folder, name)).isFile());
  return Object.fromEntries(regular.sort().map((name) => [name, fs.readFileSync(join(folder, name), "utf8")]));
}

describe.each(KERNELS)("%s", (_name, rename) => {
  /** Moves "größe" into the folder sub. */
  function moved(to: string, replace: boolean): string {
    const target = sub();
    const n = rename(root, "größe", target, to, replace);
    linux.close(target);
    return n === 0 ? "moved" : errnoName(n);
  }

  test("to a free name, replacing or not", () => {
    expect(moved("free", false)).toBe("moved");
    expect(files()).toEqual({ "sub/free": "new", "sub/there": "old" });
    expect(rename(root, "sub/free", root, "größe", true)).toBe(0);
    expect(moved("free", true)).toBe("moved");
    expect(files()).toEqual({ "sub/free": "new", "sub/there": "old" });
  });

  test("in the place of another", () => {
    expect(moved("there", true)).toBe("moved");
    expect(files()).toEqual({ "sub/there": "new" });
  });

  test("not in the place of another: EEXIST, and both are as they were", () => {
    expect(moved("there", false)).toBe("EEXIST");
    expect(files()).toEqual({ größe: "new", "sub/there": "old" });
  });

  test("not in the place of a link, wherever it leads", () => {
    fs.symlinkSync("nowhere", join(folder, "sub/link"));
    expect(moved("link", false)).toBe("EEXIST");
    expect(fs.readlinkSync(join(folder, "sub/link"))).toBe("nowhere");
  });
});

test("where link(2) is not allowed either, its error is the answer and nothing has moved", () => {
  const rename = renaming(flagless(-ERRNO.EINVAL, -ERRNO.EPERM));
  expect(rename(root, "größe", root, "free", false)).toBe(-ERRNO.EPERM);
  expect(files()).toEqual({ größe: "new", "sub/there": "old" });
});
