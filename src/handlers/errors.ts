/** Maps failed file operations to statuses, and exceptions to lines of the error log. */
import { ERRNO } from "../../ffi/errno.ts";

/** The kinds of paths; they decide whether the client or the server is to blame for an error. */
const OWNERS = {
  /** A file that the request reads or removes. */
  file: 0,
  /** A file that the request creates. Its name, or an existing file, may be the cause. */
  upload: 1,
  /** The folder for uploads itself. The client is told when it is protected or full; other errors are the server's. */
  store: 2,
  /** A folder that no request names. */
  own: 3,
} as const;

/** The statuses of each errno, for `file`, `upload`, `store` and `own`. Every other errno is 500. */
const STATUSES: ReadonlyMap<number, readonly [file: number, upload: number, store: number, own: number]> = new Map([
  [ERRNO.ENOENT, [404, 404, 500, 500]],
  [ERRNO.ENOTDIR, [404, 409, 500, 500]],
  [ERRNO.ENAMETOOLONG, [404, 400, 500, 500]],
  [ERRNO.ENXIO, [404, 404, 500, 500]],
  [ERRNO.EACCES, [403, 403, 403, 500]],
  [ERRNO.EPERM, [403, 403, 403, 500]],
  [ERRNO.EROFS, [403, 403, 403, 500]],
  [ERRNO.EOPNOTSUPP, [403, 403, 500, 500]],
  [ERRNO.E2BIG, [507, 507, 507, 507]],
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

/** The status for a failed operation on a path. @param error the errno (positive) */
export function errorStatus(error: number, path: keyof typeof OWNERS = "file"): number {
  return STATUSES.get(error)?.[OWNERS[path]] ?? 500;
}

/** One line about an exception, which is always a bug of the server. */
export function exceptionText(error: unknown): string {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return `unexpected exception: ${text.replace(/\s*\n\s*/g, " | ")}`;
}
