/** Checks of an upload's target that are possible before the body is received. */
import { S_IFMT, S_IFREG } from "../../../ffi/abi.ts";
import { ERRNO } from "../../../ffi/errno.ts";
import { FileStatus } from "../../../ffi/kernel.ts";
import type { Exchange } from "../../exchange/exchange.ts";
import { evaluate } from "../../http/reply/conditional.ts";
import { validatorsOf } from "../files/file-reply.ts";
import { Failure, failure } from "./failure.ts";
import type { Overwrite } from "./staged-file.ts";
import type { Store } from "./store.ts";
import { pathOf, type Target } from "./target.ts";

/** Why no file can be stored at the target; null: no reason is known yet. */
export function obstacle(store: Store, target: Target, overwrite: Overwrite): Failure | null {
  const path = pathOf(target);
  const status = new FileStatus();
  const n = store.stat(path, status);
  if (n instanceof Failure) return n;
  if (n === -ERRNO.ENOENT) return null;
  if (n < 0) return failure(n, `open() "${store.path}/${path}"`);
  return overwrite === "refuse" || (status.mode & S_IFMT) !== S_IFREG ? new Failure(409) : null;
}

/** The failure if the request's preconditions (RFC 9110 §13) forbid a change of the target; null: they allow it. */
export function conditionFails(exchange: Exchange, store: Store, target: Target): Failure | null {
  const { request, settings, services } = exchange;
  if (!request.conditional) return null;
  const status = new FileStatus();
  const n = store.stat(pathOf(target), status);
  if (n instanceof Failure) return n;
  if (n < 0) return request.fieldIndex("if-match") >= 0 ? new Failure(412) : null; // RFC 9110 §13.1.1: "*" needs a file, too
  const verdict = evaluate(request, validatorsOf(settings, status), settings.ifModifiedSince, services.clock.second);
  return verdict === 0 ? null : new Failure(412);
}
