/**
 * A client can choose the file's name (a form's file name, tus metadata). The name must not lead into a location nested in the
 * one that received the request, unless the nested location would also accept the file from this client at its own URL.
 */
import type { Location, Settings } from "../../config/model.ts";
import type { Exchange } from "../../exchange/exchange.ts";
import { answerersOf, methodsOf } from "../../routing/answering.ts";
import { mayEnter } from "../access.ts";
import { passwordFor } from "../auth/entry.ts";
import { Failure } from "./failure.ts";
import { pathOf, requestPathOf, requestTarget, type Target } from "./target.ts";

/** Why the client may not store a file at `target`; null: it may, or the target's location is not nested in the request's. */
export function outOfBounds(exchange: Exchange, target: Target): Failure | null {
  const { location, settings } = exchange;
  const path = requestPathOf(settings.upload!, target);
  const { location: inner, undecided } = exchange.locationOf(path);
  if (undecided) return new Failure(500, `"${inner.pattern}" takes too many steps to match "${path}"`, "alert");
  if (inner === location || !isWithin(location, inner)) return null;
  const why = reason(exchange, inner.settings, path, target);
  return why === "" ? null : new Failure(403, `storing "${path}" refused: the location "${inner.pattern}" ${why}`);
}

function reason(exchange: Exchange, inner: Settings, path: string, target: Target): string {
  const uploads = answerersOf(inner).find(({ name }) => name === "upload_store");
  if (uploads === undefined || inner.internal) return "takes no uploads";
  if (fileAt(inner, path) !== fileOf(exchange.settings, target)) return "has another upload_store";
  const methods = ["PUT", "POST"].filter((method) => methodsOf(uploads, inner)?.includes(method));
  if (methods.length === 0) return "allows neither PUT nor POST";
  const admitting = methods.filter((method) => mayEnter(inner, exchange.connection, method));
  if (admitting.length === 0) return "denies access by rule";
  return admitting.some((method) => passwordSuffices(inner, method, exchange)) ? "" : "asks for another password";
}

/** Whether a client that was allowed to send this request needs no other password for `inner`. */
export function passwordSuffices(inner: Settings, method: string, exchange: Exchange): boolean {
  const password = passwordFor(inner, method);
  if (password === null) return true;
  return exchange.user !== "" && password.file?.text === passwordFor(exchange.settings, exchange.method)?.file?.text;
}

/** Path of the file that a location stores for a request's path; null: none. */
function fileAt(settings: Settings, path: string): string | null {
  const target = requestTarget(settings, path);
  return target === null ? null : fileOf(settings, target);
}

const fileOf = ({ upload }: Settings, target: Target): string => `${upload!.folder}/${pathOf(target)}`;

/**
 * Whether `location` is nested in `outer`: its block is, or its prefix begins with the outer one, as is usual in nginx files.
 * A regular expression (`~* \.jpg$`) selects kinds of files, not folders, so it counts as nested only if its block is.
 */
function isWithin(outer: Location, location: Location): boolean {
  if (outer.locations.some((nested) => nested === location || isWithin(nested, location))) return true;
  return outer.regex === null && location.regex === null && location.pattern.startsWith(outer.pattern);
}
