/** Variables of links that are valid for some (ngx_http_secure_link_module). */
import { octets } from "../../http/octets.ts";
import type { Exchange } from "../exchange.ts";
import { evaluateOctets } from "../templates.ts";
import { withoutCycles } from "./cycles.ts";
import { once } from "./once.ts";
import { requestUri } from "./request.ts";
import { type Row, row } from "./row.ts";

/** Octets of a hash in base64url with its padding; longer ones are refused. */
const LONGEST_HASH = 24;

const md5 = (text: string): Buffer => new Bun.CryptoHasher("md5").update(Buffer.from(text, "latin1")).digest();

/** The hash and the time (octets) that a request has; null: the time is none. */
function given(exchange: Exchange): { hash: string; expires: string } | null {
  const { secureLink } = exchange.settings;
  if (secureLink === null) return null;
  const text = evaluateOctets(secureLink, exchange);
  const comma = text.indexOf(",");
  if (comma < 0) return { hash: text, expires: "" };
  const expires = text.slice(comma + 1);
  return /^0*[1-9]\d{0,15}$/.test(expires) ? { hash: text.slice(0, comma), expires } : null;
}

function verdict(exchange: Exchange): string {
  const { secureLinkSecret, secureLinkMd5 } = exchange.settings;
  if (secureLinkSecret !== null) return linkOf(exchange, secureLinkSecret);
  const link = secureLinkMd5 === null ? null : given(exchange);
  if (link === null || secureLinkMd5 === null || !isHash(link.hash)) return "";
  if (!md5(evaluateOctets(secureLinkMd5, exchange)).equals(Buffer.from(link.hash, "base64url"))) return "";
  return link.expires !== "" && Number(link.expires) < exchange.services.clock.second ? "0" : "1";
}

/** 16 bytes in base64url; what follows a "=" does not matter, as in nginx. */
const isHash = (text: string): boolean => text.length <= LONGEST_HASH && /^[\w-]{22}(?:=.*)?$/s.test(text);

/** The link in `/prefix/hash/link` if the hash is that of link and secret; else "". */
function linkOf(exchange: Exchange, secret: string): string {
  const [, hash, link] = /^.[^/]*\/([^/]*)\/(.+)$/s.exec(requestUri(exchange)) ?? [];
  if (hash === undefined || link === undefined || !/^[\da-f]{32}$/i.test(hash)) return "";
  return md5(link + octets(secret)).toString("hex") === hash.toLowerCase() ? link : "";
}

export const SECURE_LINK: readonly Row[] = [
  row(
    "secure_link",
    "change",
    "`1` for a link that `secure_link` finds valid, `0` if it has expired, else empty; with `secure_link_secret` the link",
    once("secure_link", withoutCycles("secure_link", verdict)),
  ),
  row(
    "secure_link_expires",
    "change",
    "when the link expires, in seconds since 1970",
    once("secure_link_expires", (e) => given(e)?.expires ?? ""),
  ),
];
