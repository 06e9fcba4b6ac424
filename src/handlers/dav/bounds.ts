/**
 * What a client may change lies in the location that received its request. A Destination, or a folder with all within, may belong to
 * another location too; then that one must also take the change from this client.
 */
import type { Location, Settings } from "../../config/model.ts";
import type { Exchange } from "../../exchange/exchange.ts";
import { filename, place } from "../../exchange/place.ts";
import { answerersOf, methodsOf } from "../../routing/answering.ts";
import { mayEnter } from "../access.ts";
import { passwordSuffices } from "../upload/bounds.ts";
import { Failure } from "../upload/failure.ts";

/** Why the client may not use `method` on `path` (decoded) here; null: it may. */
export function outside(exchange: Exchange, path: string, method: string): Failure | null {
  const { location, undecided } = exchange.locationOf(path);
  if (undecided) return new Failure(500, `"${location.pattern}" takes too many steps to match "${path}"`, "alert");
  return location === exchange.location ? null : refusal(exchange, location, path, method);
}

/** The same for the folder at `path` with everything within: other locations may be for a part of it. */
export function outsideWithin(exchange: Exchange, path: string, method: string): Failure | null {
  const folder = path.endsWith("/") ? path : `${path}/`;
  for (const location of nested(exchange.server.locations)) {
    const { pattern, regex } = location;
    if (location === exchange.location || regex !== null || !pattern.startsWith(folder)) continue;
    const why = refusal(exchange, location, pattern, method);
    if (why !== null && fileOf(location.settings, pattern, exchange) === fileOf(exchange.settings, pattern, exchange))
      return why;
  }
  return null;
}

function* nested(locations: readonly Location[]): Iterable<Location> {
  for (const location of locations) {
    yield location;
    yield* nested(location.locations);
  }
}

function refusal(exchange: Exchange, { pattern, settings }: Location, path: string, method: string): Failure | null {
  const why = reason(exchange, settings, path, method);
  return why === "" ? null : new Failure(403, `${method} of "${path}" refused: the location "${pattern}" ${why}`);
}

function reason(exchange: Exchange, settings: Settings, path: string, method: string): string {
  const row = answerersOf(settings).find(({ name }) => name === "dav_methods");
  if (row === undefined || settings.internal || !methodsOf(row, settings)?.includes(method)) return `has no ${method}`;
  if (fileOf(settings, path, exchange) !== fileOf(exchange.settings, path, exchange)) return "has other files";
  if (!mayEnter(settings, exchange.connection, method)) return "denies access by rule";
  return passwordSuffices(settings, method, exchange) ? "" : "asks for another password";
}

/** The file that a location has for a path; "": none. */
function fileOf(settings: Settings, path: string, exchange: Exchange): string {
  const found = place(settings, path, exchange);
  return found === null ? "" : filename(found).replace(/\/+$/, "");
}
