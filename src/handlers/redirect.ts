/** The Location of redirects: a path alone, or with scheme, host and port (`absolute_redirect`, ngx_http_header_filter). */
import type { Exchange } from "../exchange/exchange.ts";
import { octets } from "../http/octets.ts";

/** The port that a URL of a scheme leaves out. */
const DEFAULT_PORTS = { http: 80, https: 443 } as const;

/**
 * A URI as octets that variables may have filled with anything, made safe for a field: what no URI contains (RFC 3986)
 * is percent-encoded, line ends above all, and the backslash that browsers take for a slash ("/\host" is another host).
 */
function encodeLocation(uri: string): string {
  return uri.replace(/[^\x21-\x7e]|["<>\\^`{|}]/g, percentEncoded);
}

/** The Location of a redirect to `uri` (octets): of a path, as the location's settings want it. */
export function locationTo(exchange: Exchange, uri: string): string {
  const location = encodeLocation(uri);
  return exchange.settings.absoluteRedirect && location.startsWith("/") ? originOf(exchange) + location : location;
}

function originOf({ connection, request, server, settings }: Exchange): string {
  const { scheme, serverAddress, serverPort } = connection;
  const named = settings.serverNameInRedirect ? octets(server.name) : request.host();
  const host = named || (serverAddress.includes(":") ? `[${serverAddress}]` : serverAddress);
  const showsPort = settings.portInRedirect && serverPort !== 0 && serverPort !== DEFAULT_PORTS[scheme];
  return encodeLocation(`${scheme}://${host}${showsPort ? `:${serverPort}` : ""}`);
}

const percentEncoded = (octet: string): string => `%${octet.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`;
