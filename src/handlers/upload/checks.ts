/** What can be known of a target before the body has come. */
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

/** Why no file can come to the target; null: it can, as far as one sees. */
export function obstacle(store: Store, target: Target, overwrite: Overwrite): Failure | null {
  const path = pathOf(target);
  const status = new FileStatus();
  const n = store.look(path, status);
  if (n instanceof Failure) return n;
  if (n === -ERRNO.ENOENT) return null;
  if (n < 0) return failure(n, `open() "${store.path}/${path}"`);
  return overwrite === "refuse" || (status.mode & S_IFMT) !== S_IFREG ? new Failure(409) : null;
}

/** Whether the request's preconditions (RFC 9110 §13) forbid to change what is at the target; null: they do not. */
export function conditionFails(exchange: Exchange, store: Store, target: Target): Failure | null {
  const { request, settings, services } = exchange;
  if (!request.conditional) return null;
  const status = new FileStatus();
  const n = store.look(pathOf(target), status);
  if (n instanceof Failure) return n;
  if (n < 0) return request.fieldIndex("if-match") >= 0 ? new Failure(412) : null; // even `*` matches nothing that is not there
  const verdict = evaluate(request, validatorsOf(settings, status), settings.ifModifiedSince, services.clock.second);
  return verdict === 0 ? null : new Failure(412);
}
