/** The request fields of WebDAV: Depth, Destination and Overwrite (RFC 4918 §10), with nginx's strictness. */
import type { Exchange } from "../../exchange/exchange.ts";
import { normalise } from "../../http/request/target.ts";
import { Failure } from "../upload/failure.ts";

export type Depth = 0 | 1 | "infinity";

/** The value of Depth, or `absent` without one; a Failure: it has no such value. */
export function depthOf({ request }: Exchange, absent: Depth): Depth | Failure {
  const value = request.field("depth");
  if (value === undefined) return absent;
  if (value === "0" || value === "1") return value === "0" ? 0 : 1;
  if (/^infinity$/i.test(value)) return "infinity";
  return new Failure(400, `client sent invalid "Depth" header: "${value}"`, "info");
}

/** Whether COPY and MOVE may replace what is at the destination. */
export function overwriteOf({ request }: Exchange): boolean | Failure {
  const value = request.field("overwrite");
  if (value === undefined || /^t$/i.test(value)) return true;
  if (/^f$/i.test(value)) return false;
  return new Failure(400, `client sent invalid "Overwrite" header: "${value}"`, "info");
}

/** The decoded path of Destination. */
export function destinationOf(exchange: Exchange): string | Failure {
  const value = exchange.request.field("destination");
  if (value === undefined) return new Failure(400, 'client sent no "Destination" header', "info");
  return pathOf(exchange, value) ?? new Failure(400, `client sent invalid "Destination" header: "${value}"`, "info");
}

/**
 * The decoded path of a URI in a field; null: it is malformed, or another host's. The port and the scheme may differ: a front server
 * with TLS passes on neither.
 */
export function pathOf({ request }: Exchange, uri: string): string | null {
  const [, host, path] = /^(?:https?:\/\/([^/?#]*)|(?!\/\/))(\/[^?#]*)(?:\?[^#]*)?$/i.exec(uri) ?? [];
  if (path === undefined) return null;
  const given = host?.replace(/:\d*$/, "").toLowerCase();
  if (given !== undefined && (given === "" || given !== request.host().toLowerCase())) return null;
  const bytes = Buffer.from(path, "latin1");
  return normalise(bytes, 0, bytes.length);
}
