/** The target of `include`: a path on this server, and arguments (ngx_http_parse_unsafe_uri). */
import { nameText } from "../../http/octets.ts";
import { SsiError } from "./variables.ts";

/** @param uri octets; @param base the path (octets) that a relative one starts from. Throws if it leads nowhere. */
export function targetOf(uri: string, base: string): { readonly path: string; readonly query: string } {
  const whole = uri.startsWith("/") ? uri : base.slice(0, base.lastIndexOf("/") + 1) + uri;
  const mark = whole.indexOf("?");
  const path = unescaped(mark < 0 ? whole : whole.slice(0, mark));
  if (!path.startsWith("/") || path.includes("\0") || /\/\.\.(?:\/|$)/.test(path))
    throw new SsiError(`unsafe URI "${whole}" was detected`);
  return { path: nameText(path.replace(/\/(?:\.?\/)+/g, "/")), query: mark < 0 ? "" : whole.slice(mark + 1) };
}

const unescaped = (path: string): string =>
  path.replace(/%([0-9a-f]{2})/gi, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)));
