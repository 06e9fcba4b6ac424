/** Error numbers: their names and texts are the C library's, and errno is right whenever it is read. */

import { CString, dlopen } from "bun:ffi";
import { describe, expect, test } from "bun:test";
import { AT_FDCWD, O_CREAT, O_DIRECTORY, O_EXCL } from "../../../ffi/abi.ts";
import { ERRNO, errnoText } from "../../../ffi/errno.ts";
import { linux } from "../../../ffi/linux.ts";
import { Block } from "../../../ffi/memory.ts";
import { type ErrnoName, errnoName } from "../../errno-name.ts";

describe("names and texts", () => {
  test("an error number, negated or not", () => {
    expect(errnoName(2)).toBe("ENOENT");
    expect(errnoName(-2)).toBe("ENOENT");
    expect(errnoText(-13)).toBe("13: Permission denied");
  });

  test("one that is not in the table", () => {
    expect(errnoName(-999)).toBe("errno 999");
    expect(errnoText(-999)).toBe("999: unknown error");
  });

  test("no number has two names", () => {
    const names = Object.keys(ERRNO) as ErrnoName[];
    expect(new Set(names.map((name) => ERRNO[name])).size).toBe(names.length);
    expect(names.map((name) => errnoName(ERRNO[name]))).toEqual(names);
  });

  const glibc = openGlibc();
  test.skipIf(glibc === null)(glibc ? "texts are glibc's strerror" : "texts: no glibc here", () => {
    for (const number of Object.values(ERRNO)) {
      expect(errnoText(number)).toBe(`${number}: ${new CString(glibc!.strerror(number)!)}`);
    }
  });
});

/** glibc alone: musl answers to its file name too, but says some things in other words. */
function openGlibc() {
  try {
    return dlopen("libc.so.6", {
      strerror: { args: ["i32"], returns: "ptr" },
      gnu_get_libc_version: { args: [], returns: "ptr" },
    }).symbols;
  } catch {
    return null;
  }
}

describe("errno", () => {
  const block = new Block(16);
  /** Calls that fail, each for another reason. */
  const failing: readonly (readonly [ErrnoName, () => number])[] = [
    ["EBADF", () => linux.close(-1)],
    ["EBADF", () => linux.recv(-1, block, 0, 16)],
    ["EINVAL", () => linux.kill(linux.getpid(), 999)],
    ["EAFNOSUPPORT", () => linux.socket(9999, 1)],
    ["ENOENT", () => linux.open("/nothing/at/all", 0, 0)],
    ["ENOTDIR", () => linux.open("/dev/null", O_DIRECTORY, 0)],
    ["EEXIST", () => linux.open("/dev/null", O_CREAT | O_EXCL, 0)],
    ["ENOTDIR", () => linux.unlink(AT_FDCWD, "/dev/null/name")],
    ["ENOENT", () => linux.openBeneath(AT_FDCWD, "nothing-at-all", 0, 0, "inside")],
    ["EXDEV", () => linux.openBeneath(AT_FDCWD, "..", 0, 0, "inside")],
  ];

  test("is that of the call before, in a loop that allocates, is optimised and collected under", () => {
    const wrong = new Map<string, number>();
    let kept: unknown[] = [];
    for (let i = 0; i < 300_000; i++) {
      const [name, call] = failing[i % failing.length]!;
      kept.push({ i }, new Uint8Array(40), `${i}`);
      const n = call();
      if (n !== -ERRNO[name]) wrong.set(`${name}: ${n}`, (wrong.get(`${name}: ${n}`) ?? 0) + 1);
      if (kept.length > 3000) kept = [];
      if (i % 50_000 === 0) Bun.gc(true);
    }
    expect([...wrong]).toEqual([]);
  }, 60_000);

  test("is not looked at after a call that succeeded", () => {
    for (let i = 0; i < 1000; i++) {
      linux.close(-1);
      expect(linux.getrandom(block, 0, 16)).toBe(16);
      expect(linux.send(-1, block, 0, 1)).toBe(-ERRNO.EBADF);
    }
  });
});
