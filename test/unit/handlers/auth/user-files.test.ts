/** Password files: which line counts, and when a file is read again. */
import { afterAll, describe, expect, test } from "bun:test";
import { renameSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { type UserFile, UserFiles } from "../../../../src/handlers/auth/user-files.ts";
import { errnoName } from "../../../errno-name.ts";
import { Site, WatchedKernel } from "../world.ts";

const site = new Site({ folder: null });
afterAll(() => site.remove());
const path = site.path("users");
const watched = new WatchedKernel();
const files = new UserFiles(watched.kernel);
let turn = 0;

function read(text?: string): UserFile {
  if (text !== undefined) writeFileSync(path, text, "latin1");
  const file = files.get(path, ++turn);
  if (typeof file === "number") throw new Error(errnoName(file));
  return file;
}

describe("the hash of a user", () => {
  const text =
    "# ann:comment\n\nbob:one\nbob:two\nbobby:three\r\ncarl:four:Carl Carlson:1000\n:nobody\nj\xf6rg:five\nlast:six";
  const rows: [user: string, hash: string | undefined][] = [
    ["bob", "one"],
    ["bobby", "three"],
    ["carl", "four"],
    ["j\xf6rg", "five"],
    ["last", "six"],
    ["ann", undefined],
    ["# ann", undefined],
    ["obby", undefined],
    ["bo", undefined],
    ["five", undefined],
    ["Bob", undefined],
  ];
  test.each(rows)("%p: %p", (user, hash) => {
    expect(read(text).hash(user)).toBe(hash!);
  });

  test.each([
    ["# a:b\n\nx\nbob:one\n", "one"],
    ["# a:b\n", undefined],
    ["", undefined],
  ])("the first hash of %p: %p", (content, hash) => {
    expect(read(content).anyHash()).toBe(hash!);
  });
});

describe("a file is read again", () => {
  test("not while it stays as it is", () => {
    const before = read("bob:one\n");
    expect(read()).toBe(before);
  });

  test("when it has changed, even to the same size and time", () => {
    const before = read("bob:one\n");
    const { atime, mtime } = statSync(path);
    writeFileSync(path, "bob:two\n");
    utimesSync(path, atime, mtime);
    expect([read().hash("bob"), before.version === read().version]).toEqual(["two", false]);
  });

  test("when another has taken its place", () => {
    read("bob:one\n");
    writeFileSync(`${path}.new`, "bob:two\n");
    renameSync(`${path}.new`, path);
    expect(read().hash("bob")).toBe("two");
  });

  test("but it is looked at once a turn", () => {
    read("bob:one\n");
    const before = watched.opens;
    files.get(path, turn);
    files.get(path, turn);
    expect(watched.opens).toBe(before);
  });
});

test("what is no password file", () => {
  writeFileSync(site.path("large"), Buffer.alloc((1 << 20) + 1, "x"));
  const error = (name: string): string => errnoName(files.get(site.path(name), ++turn) as number);
  expect([error("none"), error("folder"), error("large"), error("users/x")]).toEqual([
    "ENOENT",
    "EISDIR",
    "EFBIG",
    "ENOTDIR",
  ]);
  read("bob:one\n");
  rmSync(path);
  expect(errnoName(files.get(path, ++turn) as number)).toBe("ENOENT");
  expect(watched.open.size).toBe(0);
});
