/** `gzip_proxied`: which replies to a proxy's requests are compressed (ngx_http_gzip_ok). */
import type { ProxiedRule } from "../../config/parts.ts";
import type { Field } from "../../exchange/reply.ts";
import { parseDate } from "../../http/reply/date.ts";
import { valueIn } from "./fields.ts";

/** @param fields all of the reply; @param authorized the request has Authorization; @param now seconds since 1970 */
export function mayCompressForProxy(
  rules: ReadonlySet<ProxiedRule>,
  fields: readonly Field[],
  authorized: boolean,
  now: number,
): boolean {
  if (rules.has("off")) return false;
  if (rules.has("any") || (authorized && rules.has("auth"))) return true;
  const expires = valueIn(fields, "expires");
  if (expires !== undefined) return rules.has("expired") && parseDate(expires, now) < now;
  const control = valueIn(fields, "cache-control")?.toLowerCase();
  if (control !== undefined) {
    return (["no-cache", "no-store", "private"] as const).some((rule) => rules.has(rule) && control.includes(rule));
  }
  if (rules.has("no_last_modified") && valueIn(fields, "last-modified") !== undefined) return false;
  return !(rules.has("no_etag") && valueIn(fields, "etag") !== undefined);
}
