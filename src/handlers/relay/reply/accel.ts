/** The fields X-Accel-* by which another server directs this one (ngx_http_upstream_process_headers). */
import type { Exchange } from "../../../exchange/exchange.ts";
import type { Field } from "../../../exchange/reply.ts";
import { unicode } from "../../../http/octets.ts";
import { normalise } from "../../../http/request/target.ts";
import { valueIn } from "../../compression/fields.ts";

/** The value of a field that this server obeys; undefined: it is absent, or one of `ignored` (`*_ignore_headers`). */
export const obeyed = (fields: readonly Field[], name: string, ignored: ReadonlySet<string>): string | undefined =>
  ignored.has(name) ? undefined : valueIn(fields, name);

/** X-Accel-Buffering: whether the reply is to be buffered; null: it does not say. */
export function buffering(fields: readonly Field[], ignored: ReadonlySet<string>): boolean | null {
  const asked = obeyed(fields, "x-accel-buffering", ignored)?.toLowerCase();
  return asked === "yes" ? true : asked === "no" ? false : null;
}

/** The fields of the server's reply that the other location's reply keeps, as in nginx. */
const KEPT: readonly string[] = ["content-disposition", "cache-control", "expires", "set-cookie", "content-type"];

/**
 * Redirects the request internally to `target`, as the field gives it (octets): an encoded path with a query, or a named location.
 * @param fields of the server's reply, after proxy_cookie_* and its siblings
 */
export function redirectTo(exchange: Exchange, target: string, fields: readonly Field[]): void {
  for (const [name, value] of fields) {
    const lower = name.toLowerCase();
    if (KEPT.includes(lower)) exchange.addField(name, value, lower !== "set-cookie" && lower !== "cache-control");
  }
  if (target.startsWith("@")) return exchange.redirect(unicode(target));
  const mark = target.indexOf("?");
  const encoded = mark < 0 ? target : target.slice(0, mark);
  const path = encoded.startsWith("/") ? normalise(Buffer.from(encoded, "latin1"), 0, encoded.length) : null;
  if (path !== null)
    return exchange.redirect(path, mark < 0 ? "" : target.slice(mark + 1), exchange.method === "HEAD" ? "HEAD" : "GET");
  exchange.log("error", `upstream sent unsafe X-Accel-Redirect ${JSON.stringify(unicode(target))}`);
  exchange.fail(404);
}
