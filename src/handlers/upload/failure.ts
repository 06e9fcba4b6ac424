/** Why a file could not be stored: the reply to the client and the line for the error log. */
import { errnoText } from "../../../ffi/errno.ts";
import type { LogLevel } from "../../config/settings/logs.ts";
import type { Exchange } from "../../exchange/exchange.ts";
import type { Field } from "../../exchange/reply.ts";
import { errorStatus } from "../errors.ts";

export class Failure {
  constructor(
    readonly status: number,
    /** For the error log; "": nothing is logged, because only the request is at fault. */
    readonly reason = "",
    readonly level: LogLevel = "error",
    /** Additional fields of the reply. */
    private readonly fields: readonly Field[] = [],
  ) {}

  /** Logs the reason and replies with the status. */
  reply(exchange: Exchange): void {
    if (this.reason !== "") exchange.log(this.level, this.reason);
    exchange.fail(this.status, this.fields);
  }
}

/** The failure of a syscall on a target or its folders. `error` is errno or -errno. `what` names the call and the file: `open() "/x"`. */
export function failure(error: number, what: string): Failure {
  return withStatus(errorStatus(Math.abs(error), "upload"), error, what);
}

/** The failure of a syscall on the store itself. The client did not cause it, so the status is never 400, 404 or 409. */
export function storeFailure(error: number, what: string): Failure {
  return withStatus(errorStatus(Math.abs(error), "store"), error, what);
}

function withStatus(status: number, error: number, what: string): Failure {
  const level = status === 507 ? "crit" : status >= 500 || status === 403 ? "error" : "info";
  return new Failure(status, `${what} failed (${errnoText(error)})`, level);
}
