/** What the client learns of a call on files that failed, and the log of a fault of ours. */
import { ERRNO } from "../../ffi/errno.ts";

/** Whose path failed, which decides who is to blame. */
const OWNERS = {
  /** The request's: a file that it asks for or removes. */
  file: 0,
  /** The request's: a file that it makes. Its name can be at fault, or what is there already. */
  upload: 1,
  /** The folder for uploads itself. That it is protected or full is true of the request; all else is the server's affair. */
  store: 2,
  /** The server's: a folder that no request names. */
  own: 3,
} as const;

/** The statuses of each errno of a call on files: for `file`, `upload`, `store` and `own`. All others are 500. */
const STATUSES: ReadonlyMap<number, readonly [file: number, upload: number, store: number, own: number]> = new Map([
  [ERRNO.ENOENT, [404, 404, 500, 500]],
  [ERRNO.ENOTDIR, [404, 409, 500, 500]],
  [ERRNO.ENAMETOOLONG, [404, 400, 500, 500]],
  [ERRNO.ENXIO, [404, 404, 500, 500]],
  [ERRNO.EACCES, [403, 403, 403, 500]],
  [ERRNO.EPERM, [403, 403, 403, 500]],
  [ERRNO.EROFS, [403, 403, 403, 500]],
  [ERRNO.ELOOP, [403, 403, 500, 500]],
  [ERRNO.EXDEV, [403, 403, 500, 500]],
  [ERRNO.EISDIR, [409, 409, 500, 500]],
  [ERRNO.EEXIST, [409, 409, 500, 500]],
  [ERRNO.ENOTEMPTY, [409, 409, 500, 500]],
  [ERRNO.EFBIG, [413, 413, 413, 500]],
  [ERRNO.EMFILE, [503, 503, 503, 503]],
  [ERRNO.ENFILE, [503, 503, 503, 503]],
  [ERRNO.ENOMEM, [503, 503, 503, 503]],
  [ERRNO.ENOSPC, [507, 507, 507, 507]],
  [ERRNO.EDQUOT, [507, 507, 507, 507]],
]);

/** The status for an errno (positive) of a call on a path. */
export function errorStatus(error: number, path: keyof typeof OWNERS = "file"): number {
  return STATUSES.get(error)?.[OWNERS[path]] ?? 500;
}

/** One line about an exception, which is always a fault of ours. */
export function exceptionText(error: unknown): string {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return `unexpected exception: ${text.replace(/\s*\n\s*/g, " | ")}`;
}
