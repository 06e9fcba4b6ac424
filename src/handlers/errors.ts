/** What the client learns of a file that cannot be opened, and the log of a fault of ours. */
import { ERRNO } from "../../ffi/errno.ts";

/** The status for an errno (positive). */
export function errorStatus(error: number): number {
  switch (error) {
    case ERRNO.ENOENT:
    case ERRNO.ENOTDIR:
    case ERRNO.ENAMETOOLONG:
    case ERRNO.ENXIO:
      return 404;
    case ERRNO.EACCES:
    case ERRNO.EPERM:
    case ERRNO.ELOOP:
    case ERRNO.EXDEV:
      return 403;
    case ERRNO.EMFILE:
    case ERRNO.ENFILE:
    case ERRNO.ENOMEM:
      return 503;
    default:
      return 500;
  }
}

/** One line about an exception, which is always a fault of ours. */
export function exceptionText(error: unknown): string {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return `unexpected exception: ${text.replace(/\s*\n\s*/g, " | ")}`;
}
