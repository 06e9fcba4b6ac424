/** The URL of a `proxy_pass`: its parts as variables and requests need them. Those of one with variables are found for each request. */
import type { Pass } from "../../config/gateway.ts";
import type { Exchange } from "../exchange.ts";
import { evaluateOctets } from "../templates.ts";

/** Octets. */
interface PassUrl {
  readonly scheme: "http" | "https";
  /** `host`, `host:port` or `unix:/path`, as written. */
  readonly server: string;
  /** `$proxy_host`: without the scheme's own port; "localhost" for a unix socket. */
  readonly host: string;
  /** `$proxy_port`; "" for a unix socket. */
  readonly port: string;
  /** Path and query, from its `/` on; "": there is none. */
  readonly uri: string;
}

/** `unix:` has a colon between the path and the URI. A port is one to five digits. */
const URL_FORM =
  /^(?<scheme>https?):\/\/(?:(?<socket>unix:[^:]+)(?::(?<rest>.*))?|(?<name>\[[0-9a-fA-F:.]+\]|[^\s/?#:[\]]+)(?::(?<port>\d{1,5}))?(?<uri>[/?].*)?)$/is;
const PORTS = { http: "80", https: "443" } as const;
const NONE: PassUrl = { scheme: "http", server: "", host: "", port: "", uri: "" };

/** The parts of the URL that `pass` (of `proxy_pass`) has for a request. `server` is "" if it is no URL. */
export function passUrl(exchange: Exchange, pass: Pass): PassUrl {
  if (pass.target !== null) return parsePassUrl(evaluateOctets(pass.target, exchange)) ?? NONE;
  return { scheme: pass.scheme, server: pass.upstream!, host: pass.host, port: pass.port, uri: pass.uri ?? "" };
}

/** Parses `http://host:port/uri`; null: it is no such URL. */
function parsePassUrl(text: string): PassUrl | null {
  const { groups } = URL_FORM.exec(text) ?? {};
  if (groups === undefined) return null;
  const scheme = groups.scheme!.toLowerCase() as "http" | "https";
  const { socket, name } = groups;
  if (socket !== undefined) return { scheme, server: socket, host: "localhost", port: "", uri: uriOf(groups.rest) };
  const port = groups.port ?? PORTS[scheme];
  if (Number(port) < 1 || Number(port) > 65535) return null;
  const host = port === PORTS[scheme] ? name! : `${name}:${port}`;
  return { scheme, server: groups.port === undefined ? name! : `${name}:${port}`, host, port, uri: uriOf(groups.uri) };
}

/** A query alone gets the path that it needs. */
function uriOf(text = ""): string {
  return text.startsWith("?") ? `/${text}` : text;
}
