/**
 * Where a client names the file itself (a form's file name, tus metadata), it must not get into a location within the one
 * that took the request, unless that location would have taken the file from this client under its own URL.
 */
import type { Location, Settings } from "../../config/model.ts";
import type { Exchange } from "../../exchange/exchange.ts";
import { answerersOf, methodsOf } from "../../routing/answering.ts";
import { mayEnter } from "../access.ts";
import { passwordFor } from "../auth/entry.ts";
import { Failure } from "./failure.ts";
import { pathOf, requestPathOf, requestTarget, type Target } from "./target.ts";

/** Why the client may not store a file there; null: it may, or the location is not within the request's. */
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
  return admitting.some((method) => asksNoMore(inner, method, exchange)) ? "" : "asks for another password";
}

/** Whether who was let in to send this request needs no other password there. */
function asksNoMore(inner: Settings, method: string, exchange: Exchange): boolean {
  const password = passwordFor(inner, method);
  if (password === null) return true;
  return exchange.user !== "" && password.file?.text === passwordFor(exchange.settings, exchange.method)?.file?.text;
}

/** The file that a location stores for a path; null: none. */
function fileAt(settings: Settings, path: string): string | null {
  const target = requestTarget(settings, path);
  return target === null ? null : fileOf(settings, target);
}

const fileOf = ({ upload }: Settings, target: Target): string => `${upload!.folder}/${pathOf(target)}`;

/** Written in it, or beside it for a part of its paths, as nginx's users do. An expression (`~* \.jpg$`) is about kinds of files, not places. */
function isWithin(outer: Location, location: Location): boolean {
  if (outer.locations.some((nested) => nested === location || isWithin(nested, location))) return true;
  return outer.regex === null && location.regex === null && location.pattern.startsWith(outer.pattern);
}
