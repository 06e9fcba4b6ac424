/** Cookies (RFC 6265): reading the Cookie field and writing Set-Cookie. */

import { isToken } from "./headers.ts";
import { trimmed } from "./octets.ts";
import { formatDate } from "./reply/date.ts";
import type { RequestHead } from "./request/request.ts";

/**
 * The value (octets) of the first cookie called `name` (case-sensitive) that satisfies `suits`, without surrounding quotes;
 * undefined when there is none. Malformed pairs are skipped. Values that do not suit are skipped too, because another site
 * under the same domain may have set a cookie of the same name that comes first.
 */
export function cookieValue(request: RequestHead, name: string, suits = anything): string | undefined {
  const value = find(request, name, same, (text) => suits(unquoted(trimmed(text))));
  return value && unquoted(trimmed(value));
}

/** The value as nginx's $cookie_ variables give it: case-insensitive (`name` is in small letters); quotes stay, and blanks behind it. */
export function cookieVariable(request: RequestHead, name: string): string | undefined {
  return find(request, name, sameButForCapitals, anything)?.replace(/^ +/, "");
}

const anything = (_value: string): boolean => true;
const QUOTED = /^"[^"]*"$/;
const unquoted = (value: string): string => (QUOTED.test(value) ? value.slice(1, -1) : value);
const same = (text: string, name: string): boolean => text === name;
const sameButForCapitals = (text: string, name: string): boolean =>
  text.length === name.length && text.toLowerCase() === name;

/** Reads all Cookie lines, although RFC 6265 §5.4 allows only one: HTTP/2 splits the field, and proxies pass the lines on. */
function find(
  request: RequestHead,
  name: string,
  is: (text: string, name: string) => boolean,
  suits: (value: string) => boolean,
): string | undefined {
  for (let i = request.fieldIndex("cookie"); i >= 0; i = request.fieldIndex("cookie", i + 1)) {
    for (const pair of request.fieldValue(i).split(";")) {
      const equals = pair.indexOf("=");
      if (equals <= 0 || !is(trimmed(pair, 0, equals), name)) continue;
      const value = pair.slice(equals + 1);
      if (suits(value)) return value;
    }
  }
  return undefined;
}

/** The attributes of Set-Cookie (RFC 6265 §4.1.2; SameSite: RFC 6265bis §4.1.2.7). */
interface CookieAttributes {
  /** Seconds from now; 0 or less removes the cookie. */
  readonly maxAge?: number;
  /** Seconds since 1970. */
  readonly expires?: number;
  readonly path?: string;
  readonly domain?: string;
  readonly secure?: boolean;
  readonly httpOnly?: boolean;
  readonly sameSite?: "Strict" | "Lax" | "None";
}

/** cookie-octet (RFC 6265 §4.1.1). */
const VALUE = /^[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]*$/;
/** av-octet: the characters of Path. */
const ATTRIBUTE = /^[\x20-\x3a\x3c-\x7e]*$/;
const DOMAIN = /^[A-Za-z0-9.-]+$/;

/** The value of a Set-Cookie field. Throws RangeError when a part is illegal: the caller chose it, so that is a programming error. */
export function serialiseCookie(name: string, value: string, attributes: CookieAttributes = {}): string {
  const { maxAge, expires, path, domain, sameSite } = attributes;
  checked(isToken(name), "name", name);
  checked(VALUE.test(value), "value", value);
  let field = `${name}=${value}`;
  if (maxAge !== undefined) field += `; Max-Age=${checked(Number.isSafeInteger(maxAge), "Max-Age", maxAge)}`;
  if (expires !== undefined) field += `; Expires=${formatDate(expires)}`;
  if (domain !== undefined) field += `; Domain=${checked(DOMAIN.test(domain), "Domain", domain)}`;
  if (path !== undefined) field += `; Path=${checked(path.startsWith("/") && ATTRIBUTE.test(path), "Path", path)}`;
  if (attributes.secure) field += "; Secure";
  if (attributes.httpOnly) field += "; HttpOnly";
  if (sameSite !== undefined) field += `; SameSite=${sameSite}`;
  return field;
}

function checked<T>(legal: boolean, part: string, given: T): T {
  if (!legal) throw new RangeError(`illegal ${part} of a cookie: ${JSON.stringify(given)}`);
  return given;
}
