/** Why something could not be stored: what the client gets, and what the error log says. */
import { errnoText } from "../../../ffi/errno.ts";
import type { LogLevel } from "../../config/parts.ts";
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
  return withStatus(errorStatus(Math.abs(error), "upload"), error, what);
}

/** The same for the store itself, whose state is the server's affair: it is never the client's 400, 404 or 409. */
export function storeFailure(error: number, what: string): Failure {
  return withStatus(errorStatus(Math.abs(error), "store"), error, what);
}

function withStatus(status: number, error: number, what: string): Failure {
  const level = status === 507 ? "crit" : status >= 500 || status === 403 ? "error" : "info";
  return new Failure(status, `${what} failed (${errnoText(error)})`, level);
}
