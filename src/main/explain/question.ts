/** The request that is asked about: which address of the configuration it comes to, and its bytes. */
import { parseAddress, type SocketAddress } from "../../../ffi/inet.ts";
import type { Config, ListenAddress } from "../../config/model.ts";
import { isToken } from "../../http/headers.ts";
import { octets } from "../../http/octets.ts";

export interface Question {
  readonly url: string;
  readonly method: string;
  /** Further fields: `Name: value`. */
  readonly fields: readonly string[];
  /** The client's address. */
  readonly client: string;
}

/** A question that can be put to a configuration. */
export interface Asked {
  readonly listen: ListenAddress;
  /** The local address and port of the connection. */
  readonly address: string;
  readonly port: number;
  /** Whether the client speaks TLS. */
  readonly isTls: boolean;
  /** The name that its handshake has (SNI): the host of the URL. */
  readonly serverName: string;
  /** The head of the request as octets. */
  readonly head: string;
}

/** What the words of a question are. */
interface Parts {
  /** null: only a path. */
  readonly isTls: boolean | null;
  /** "" if the URL is only a path. */
  readonly host: string;
  /** null: only a path. */
  readonly port: number | null;
  readonly authority: string;
  readonly target: string;
}

const HTTP_PORT = 80;
const HTTPS_PORT = 443;
const URL_FORM =
  /^http(?<s>s?):\/\/(?<authority>(?<host>\[[0-9a-f:.]+\]|[^\s/?#:[\]@]+)(?::(?<port>\d{1,5}))?)(?<target>[/?][^\s#]*)?$/i;

/** What is wrong with the words themselves; "" if nothing is. */
export function questionProblem({ url, method, fields, client }: Question): string {
  const parts = partsOf(url);
  if (typeof parts === "string") return parts;
  if (!isToken(method)) return `"${method}" is no method`;
  const bad = fields.find((field) => !/^[!#$%&'*+.^`|~\w-]+:[^\r\n\0]*$/.test(field));
  if (bad !== undefined) return `"${bad}" is no field: -H expects "Name: value"`;
  return client === "unix:" || parseAddress(client) !== null ? "" : `"${client}" is no address of a client`;
}

/** Finds the address that a request comes to, and writes the request. A string: why there is none. */
export function ask(config: Config, question: Question): Asked | string {
  const parts = partsOf(question.url) as Parts;
  const listen = parts.port === null ? config.addresses[0] : addressFor(config.addresses, parts);
  if (listen === undefined) {
    const all = config.addresses.map(({ text }) => text).join(", ");
    return all === ""
      ? "the file listens on no address"
      : `nothing listens on port ${parts.port}: the file listens on ${all}`;
  }
  if (parts.isTls === true && !listen.tls) return `no TLS is spoken at ${listen.text}: use http://`;
  const { address } = listen;
  const port = parts.port ?? (address.family === "unix" ? 0 : address.port);
  return {
    listen,
    address: localAddress(address, parts.host),
    port,
    isTls: parts.isTls ?? listen.tls,
    serverName: parts.host.toLowerCase(),
    head: headOf(question, parts, listen),
  };
}

function partsOf(url: string): Parts | string {
  if (url.startsWith("/"))
    return /[\s#]/.test(url) ? badUrl(url) : { isTls: null, host: "", port: null, authority: "", target: encoded(url) };
  const groups = URL_FORM.exec(url)?.groups;
  if (groups === undefined) return badUrl(url);
  const isTls = groups.s !== "";
  const port = groups.port === undefined ? (isTls ? HTTPS_PORT : HTTP_PORT) : Number(groups.port);
  if (port < 1 || port > 65_535) return badUrl(url);
  const target = groups.target ?? "/";
  return {
    isTls,
    host: groups.host!,
    port,
    authority: groups.authority!,
    target: encoded(target.startsWith("?") ? `/${target}` : target),
  };
}

const badUrl = (url: string): string =>
  `"${url}" is no URL: http(s)://HOST[:PORT]/PATH is expected, or a /PATH at the first address of the file`;

/** Octets beyond ASCII as a browser would send them. */
const encoded = (target: string): string => target.replace(/[^\x00-\x7f]+/g, encodeURIComponent);

/** Among the addresses with the port the one that the host names, else a wildcard, else the first. */
function addressFor(addresses: readonly ListenAddress[], { host, port }: Parts): ListenAddress | undefined {
  const bare = host.replace(/^\[|\]$/g, "");
  const fitting = addresses.filter(({ address }) => address.family !== "unix" && address.port === port);
  const hostOf = ({ address }: ListenAddress) => (address.family === "unix" ? "" : address.host);
  return (
    fitting.find((each) => hostOf(each) === bare) ?? fitting.find((each) => isWildcard(hostOf(each))) ?? fitting[0]
  );
}

const isWildcard = (host: string): boolean => host === "0.0.0.0" || host === "::";

function localAddress(address: SocketAddress, host: string): string {
  if (address.family === "unix") return `unix:${address.path}`;
  if (!isWildcard(address.host)) return address.host;
  const bare = host.replace(/^\[|\]$/g, "");
  return parseAddress(bare) === null ? "127.0.0.1" : bare;
}

function headOf({ method, fields }: Question, { authority, target }: Parts, { defaultServer }: ListenAddress): string {
  const hasHost = fields.some((field) => /^host:/i.test(field));
  const own =
    authority === "" ? defaultServer.names.find(({ kind }) => kind === "exact")?.text || "localhost" : authority;
  const host = hasHost ? [] : [`Host: ${own}`];
  return octets(`${[`${method} ${target} HTTP/1.1`, ...host, ...fields].join("\r\n")}\r\n\r\n`);
}
