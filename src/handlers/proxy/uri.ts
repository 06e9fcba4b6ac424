/** The URI that `proxy_pass` sends (ngx_http_proxy_create_request). */
import type { Pass } from "../../config/gateway.ts";
import type { Exchange } from "../../exchange/exchange.ts";
import { passUrl } from "../../exchange/passing/pass-url.ts";
import { PERCENT } from "../../http/bytes.ts";
import { octets, percentEncoded } from "../../http/octets.ts";

/** What nginx escapes in a path that was decoded (NGX_ESCAPE_URI). */
const ESCAPED = /[^\x21\x24\x26-\x3b\x3d\x40-\x5b\x5d\x5f\x61-\x7a~]/g;

/** Makes the URIs (octets) of one location's requests. */
export function uriMaker(pass: Pass): (exchange: Exchange) => string {
  const { uri } = pass;
  if (pass.target !== null) return (exchange) => passUrl(exchange, pass).uri || ownUri(exchange);
  if (uri === null) return ownUri;
  const before = octets(uri);
  const { length } = octets(pass.replaces);
  return (exchange) => {
    if (exchange.rewriting.passesWholePath) return pathFrom(exchange, 0) + queryOf(exchange);
    return before + pathFrom(exchange, length) + queryOf(exchange);
  };
}

/** Path and query as the client sent them; after an internal redirect, `rewrite` or `set $args` those it led to. */
function ownUri(exchange: Exchange): string {
  const { request } = exchange;
  if (exchange.isRedirected || exchange.rewriting.hasOtherQuery) return pathFrom(exchange, 0) + queryOf(exchange);
  const { bytes, base, pathStart, pathEnd, targetEnd } = request;
  if (pathStart < pathEnd) return bytes.latin1Slice(base + pathStart, base + targetEnd);
  // `GET http://host` or `GET http://host?query`: a path is needed (RFC 9112 §3.2.1), but OPTIONS asks about the server (§3.2.4).
  return request.target() === "*" ? "*" : `/${request.hasQuery ? `?${request.query()}` : ""}`;
}

/** The normalised path without its first `length` octets. As nginx: escaped only if it was decoded or is not the client's. */
function pathFrom(exchange: Exchange, length: number): string {
  const path = octets(exchange.path).slice(length);
  return exchange.isRedirected || wasDecoded(exchange) ? path.replace(ESCAPED, percentEncoded) : path;
}

/** Whether the path in the request has percent-encodings. */
function wasDecoded({ request: { bytes, base, pathStart, pathEnd, plainPath } }: Exchange): boolean {
  if (plainPath) return false;
  for (let at = base + pathStart; at < base + pathEnd; at++) if (bytes[at] === PERCENT) return true;
  return false;
}

const queryOf = ({ query }: Exchange): string => (query === "" ? "" : `?${query}`);
