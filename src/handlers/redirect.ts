/** The Location of redirects: a path alone, or with scheme, host and port (`absolute_redirect`, ngx_http_header_filter). */
import type { Exchange } from "../exchange/exchange.ts";
import { octets, percentEncoded } from "../http/octets.ts";

/** The default port of each scheme, which URLs leave out. */
const DEFAULT_PORTS = { http: 80, https: 443 } as const;

/**
 * Makes a URI (octets, in which variables may have put anything) safe for a field. Percent-encodes what no URI may contain
 * (RFC 3986), line ends above all, and the backslash, because browsers treat it like a slash ("/\host" is another host).
 */
function encodeLocation(uri: string): string {
  return uri.replace(/[^\x21-\x7e]|["<>\\^`{|}]/g, percentEncoded);
}

/**
 * The Location of a redirect to `uri` (octets). A path gets scheme and host if the location's settings say so, and always if it begins
 * with two slashes: `$request_uri` of a client that asks for `//host` would lead to that host.
 * @param written how the configuration itself begins the URI: one written as `//host...` stays as it is
 */
export function locationTo(exchange: Exchange, uri: string, written = ""): string {
  const location = encodeLocation(uri);
  const { absoluteRedirect } = exchange.settings;
  const isHost = location.startsWith("//") && !written.startsWith("//");
  return isHost || (absoluteRedirect && location.startsWith("/")) ? originOf(exchange) + location : location;
}

function originOf({ connection, request, server, settings }: Exchange): string {
  const { scheme, serverAddress, serverPort } = connection;
  const named = settings.serverNameInRedirect ? octets(server.name) : request.host();
  const host = named || (serverAddress.includes(":") ? `[${serverAddress}]` : serverAddress);
  const showsPort = settings.portInRedirect && serverPort !== 0 && serverPort !== DEFAULT_PORTS[scheme];
  return encodeLocation(`${scheme}://${host}${showsPort ? `:${serverPort}` : ""}`);
}
