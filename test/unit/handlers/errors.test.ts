/** What a client gets for a call on files that failed. */
import { expect, test } from "bun:test";
import { ERRNO } from "../../../ffi/errno.ts";
import { errorStatus } from "../../../src/handlers/errors.ts";
import type { ErrnoName } from "../../errno-name.ts";

const rows: [name: ErrnoName, file: number, upload: number, store: number, own: number][] = [
  ["ENOENT", 404, 404, 500, 500],
  ["ENOTDIR", 404, 409, 500, 500],
  ["ENAMETOOLONG", 404, 400, 500, 500],
  ["EACCES", 403, 403, 403, 500],
  ["EROFS", 403, 403, 403, 500],
  ["ELOOP", 403, 403, 500, 500],
  ["EXDEV", 403, 403, 500, 500],
  ["EISDIR", 409, 409, 500, 500],
  ["EFBIG", 413, 413, 413, 500],
  ["EMFILE", 503, 503, 503, 503],
  ["ENOSPC", 507, 507, 507, 507],
  ["EIO", 500, 500, 500, 500],
];

test.each(rows)(
  "%s: %p for a file, %p for an upload, %p for its folder, %p for a folder of the server",
  (name, file, upload, store, own) => {
    const given = (["file", "upload", "store", "own"] as const).map((path) => errorStatus(ERRNO[name], path));
    expect<number[]>(given).toEqual([file, upload, store, own]);
  },
);
