/** Why something could not be stored: what the client gets, and what the error log says. */
import { ERRNO, errnoText } from "../../../ffi/errno.ts";
import type { LogLevel } from "../../config/model.ts";
import type { Exchange } from "../../exchange/exchange.ts";
import type { Field } from "../../exchange/reply.ts";
import { errorStatus } from "../errors.ts";

export class Failure {
  constructor(
    readonly status: number,
    /** For the error log; "" where the request alone is to blame. */
    readonly reason = "",
    readonly level: LogLevel = "error",
    /** Of the reply. */
    private readonly fields: readonly Field[] = [],
  ) {}

  /** Answers with it. */
  tell(exchange: Exchange): void {
    if (this.reason !== "") exchange.log(this.level, this.reason);
    exchange.fail(this.status, this.fields);
  }
}

/** The failure of a call on the way to a target, or at it; `what` names the call and the file: `open() "/x"`. `error` as it came. */
export function failure(error: number, what: string): Failure {
  return withStatus(writeStatus(Math.abs(error)), error, what);
}

/** The same for the store itself, whose state is the server's affair: it is never the client's 400, 404 or 409. */
export function storeFailure(error: number, what: string): Failure {
  const status = writeStatus(Math.abs(error));
  const own = status === 400 || status === 404 || status === 409 || isLink(Math.abs(error));
  return withStatus(own ? 500 : status, error, what);
}

function withStatus(status: number, error: number, what: string): Failure {
  const level = status === 507 ? "crit" : status >= 500 || status === 403 ? "error" : "info";
  return new Failure(status, `${what} failed (${errnoText(error)})`, level);
}

const isLink = (error: number): boolean => error === ERRNO.ELOOP || error === ERRNO.EXDEV;

/** The status for an errno (positive) of a call that writes, creates, renames or removes. */
function writeStatus(error: number): number {
  switch (error) {
    case ERRNO.ENAMETOOLONG:
      return 400;
    case ERRNO.EROFS:
      return 403;
    case ERRNO.EEXIST:
    case ERRNO.ENOTDIR:
    case ERRNO.EISDIR:
    case ERRNO.ENOTEMPTY:
      return 409;
    case ERRNO.EFBIG:
      return 413;
    case ERRNO.ENOSPC:
    case ERRNO.EDQUOT:
      return 507;
    default:
      return errorStatus(error);
  }
}
