/** What the client learns of a file that cannot be opened. */
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
