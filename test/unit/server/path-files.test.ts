/** open_log_file_cache on a real folder: which files stay open, and how long. */
import { afterEach, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ERRNO } from "../../../ffi/errno.ts";
import { linux } from "../../../ffi/linux.ts";
import { Block } from "../../../ffi/memory.ts";
import { openBeneath, PathFiles } from "../../../src/server/logs/path-files.ts";

const made: string[] = [];
afterEach(() => {
  for (const folder of made.splice(0)) rmSync(folder, { recursive: true });
});

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "webserv-logs-"));
  made.push(folder);
  return `${folder}/`;
}

const block = new Block(16);

/** Writes a letter to a file through a cache. */
function put(files: PathFiles, folder: string, name: string, letter: string, now: number): void {
  block.bytes.latin1Write(letter, 0);
  linux.write(files.take({ folder, name }, now), block, 0, 1);
  files.done({ folder, name });
}

const open = (files: PathFiles): number => [...files.descriptors()].length;
const SETTINGS = { max: 2, inactive: 10_000, minUses: 1, valid: 60_000 };

test("at most `max` stay open: those used last", () => {
  const [files, folder] = [new PathFiles(linux, SETTINGS), newFolder()];
  for (const name of "abcac") put(files, folder, name, name, 0);
  expect(open(files)).toBe(2);
  files.close();
  expect(open(files)).toBe(0);
  expect(
    readdirSync(folder)
      .map((name) => readFileSync(folder + name, "latin1"))
      .sort(),
  ).toEqual(["aa", "b", "cc"]);
});

test("what was not used for `inactive` is closed; with `min_uses` a file stays open from that use on", () => {
  const [files, folder] = [new PathFiles(linux, { ...SETTINGS, minUses: 2 }), newFolder()];
  put(files, folder, "a", "1", 0);
  expect(open(files)).toBe(0);
  put(files, folder, "a", "2", 9_000);
  expect(open(files)).toBe(1);
  files.sweep(19_000);
  expect(open(files)).toBe(1);
  files.sweep(19_001);
  expect(open(files)).toBe(0);
  put(files, folder, "a", "3", 20_000);
  expect(open(files)).toBe(0);
});

test("a file that was moved is written to until `valid` has passed, then there is a new one", () => {
  const [files, folder] = [new PathFiles(linux, SETTINGS), newFolder()];
  put(files, folder, "a", "1", 0);
  renameSync(`${folder}a`, `${folder}a.1`);
  put(files, folder, "a", "2", 59_999);
  put(files, folder, "a", "3", 60_000);
  put(files, folder, "a", "4", 60_001);
  files.close();
  expect([readFileSync(`${folder}a.1`, "latin1"), readFileSync(`${folder}a`, "latin1")]).toEqual(["12", "34"]);
});

test("neither a name nor a link leads out of the folder", () => {
  const [folder, elsewhere] = [newFolder(), newFolder()];
  symlinkSync(elsewhere, `${folder}link`);
  expect(openBeneath(linux, { folder, name: "../x" })).toBe(-ERRNO.EXDEV);
  expect(openBeneath(linux, { folder, name: "link/x" })).toBe(-ERRNO.EXDEV);
  expect(openBeneath(linux, { folder: `${folder}none/`, name: "x" })).toBe(-ERRNO.ENOENT);
  expect(readdirSync(elsewhere)).toEqual([]);
});
