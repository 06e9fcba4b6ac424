/** A tree of folders, files and links, and what paths through it lead to, by the rules of openat2(RESOLVE_BENEATH). */
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const FOLDERS = ["folder", "folder/deep"];
const FILES = ["../outside", "file", "folder/inner", "folder/deep/leaf"];
const LINKS: Record<string, string> = {
  toFile: "file",
  toFolder: "folder",
  toSlash: "folder/",
  toDot: "folder/.",
  toHere: ".",
  toInner: "folder/inner",
  toOutside: "../outside",
  toParent: "..",
  toNothing: "nothing",
  toLoop: "toLoop",
  ping: "pong",
  pong: "ping",
  toFileSlash: "file/",
  toFileDot: "file/.",
  throughLink: "toFolder/inner",
  throughFile: "file/x",
  downUp: "folder/..",
  downUpUp: "folder/../..",
  awayAndBack: "../root/file",
  "folder/toFile": "../file",
  "folder/toDeep": "../folder/deep",
  "folder/toTop": "..",
  "folder/toOutside": "../../outside",
};
/** link0 leads to the file; each further one to the one before. */
for (let i = 0; i <= 40; i++) LINKS[`link${i}`] = i === 0 ? "file" : `link${i - 1}`;

/** Makes the tree at `root`, which must be called `root` and not exist; one file is made beside it. */
export function build(root: string): void {
  mkdirSync(root);
  for (const path of FOLDERS) mkdirSync(join(root, path));
  for (const path of FILES) writeFileSync(join(root, path), path);
  for (const [path, target] of Object.entries(LINKS)) symlinkSync(target, join(root, path));
  symlinkSync(join(root, "file"), join(root, "toAbsolute"));
}

const long = "x".repeat(255);

/** Path; what "inside" opens or its error; the same for "deny" where that differs. */
export const TABLE: readonly (readonly [path: string, inside: string, deny?: string])[] = [
  ["file", "file"],
  [".", "."],
  ["./", "."],
  ["./.", "."],
  ["./file", "file"],
  ["folder", "folder"],
  ["folder/", "folder"],
  ["folder/.", "folder"],
  ["folder//inner", "folder/inner"],
  ["folder/./inner", "folder/inner"],
  ["folder/deep/leaf", "folder/deep/leaf"],
  ["", "ENOENT"],
  ["nothing", "ENOENT"],
  ["nothing/", "ENOENT"],
  ["nothing/file", "ENOENT"],
  ["nothing/..", "ENOENT"],
  ["folder/nothing", "ENOENT"],
  ["file\0", "ENOENT"],
  ["file\0name", "ENOENT"],
  ["folder\0/inner", "ENOENT"],
  ["file/", "ENOTDIR"],
  ["file/.", "ENOTDIR"],
  ["file/..", "ENOTDIR"],
  ["file/x", "ENOTDIR"],
  ["file//", "ENOTDIR"],
  [long, "ENOENT"],
  [`${long}x`, "ENAMETOOLONG"],
  [`folder/${long}x`, "ENAMETOOLONG"],
  [`${"./".repeat(2045)}file`, "file"],
  [`${"./".repeat(2046)}file`, "ENAMETOOLONG"],
  [`${"./".repeat(20_000)}file`, "ENAMETOOLONG"],
  ["é".repeat(128), "ENAMETOOLONG"],

  ["..", "EXDEV"],
  ["../", "EXDEV"],
  ["../outside", "EXDEV"],
  ["../root/file", "EXDEV"],
  ["../nothing", "EXDEV"],
  ["folder/..", "."],
  ["folder/../file", "file"],
  ["folder/deep/../inner", "folder/inner"],
  ["folder/../..", "EXDEV"],
  ["folder/../../outside", "EXDEV"],
  ["folder/../../root/file", "EXDEV"],
  ["/", "EXDEV"],
  ["//", "EXDEV"],
  ["/file", "EXDEV"],

  ["toFile", "file", "ELOOP"],
  ["toFile/", "ENOTDIR", "ELOOP"],
  ["toFile/x", "ENOTDIR", "ELOOP"],
  ["toFolder", "folder", "ELOOP"],
  ["toFolder/", "folder", "ELOOP"],
  ["toFolder/inner", "folder/inner", "ELOOP"],
  ["toFolder/..", ".", "ELOOP"],
  ["toFolder/../file", "file", "ELOOP"],
  ["toSlash/..", ".", "ELOOP"],
  ["toSlash/../file", "file", "ELOOP"],
  ["toSlash/deep/../inner", "folder/inner", "ELOOP"],
  ["toDot/../file", "file", "ELOOP"],
  ["toHere/file", "file", "ELOOP"],
  ["toHere/toHere/toFile", "file", "ELOOP"],
  ["toInner", "folder/inner", "ELOOP"],
  ["throughLink", "folder/inner", "ELOOP"],
  ["throughFile", "ENOTDIR", "ELOOP"],
  ["toFileSlash", "ENOTDIR", "ELOOP"],
  ["toFileDot", "ENOTDIR", "ELOOP"],
  ["downUp", ".", "ELOOP"],
  ["downUp/file", "file", "ELOOP"],
  ["downUpUp", "EXDEV", "ELOOP"],
  ["folder/toFile", "file", "ELOOP"],
  ["folder/toDeep/leaf", "folder/deep/leaf", "ELOOP"],
  ["folder/toDeep/../inner", "folder/inner", "ELOOP"],
  ["folder/toTop", ".", "ELOOP"],
  ["folder/toTop/folder/toTop/file", "file", "ELOOP"],
  ["folder/toTop/..", "EXDEV", "ELOOP"],
  ["toOutside", "EXDEV", "ELOOP"],
  ["toParent", "EXDEV", "ELOOP"],
  ["toParent/root/file", "EXDEV", "ELOOP"],
  ["folder/toOutside", "EXDEV", "ELOOP"],
  ["awayAndBack", "EXDEV", "ELOOP"],
  ["toAbsolute", "EXDEV", "ELOOP"],
  ["toNothing", "ENOENT", "ELOOP"],
  ["toNothing/x", "ENOENT", "ELOOP"],
  ["toLoop", "ELOOP"],
  ["toLoop/x", "ELOOP"],
  ["ping", "ELOOP"],
  ["link39", "file", "ELOOP"],
  ["link40", "ELOOP"],
];
