/**
 * nginx's variables, one row each: the name, how long a value may be cached, a phrase for the reference, and the value for a
 * request as octets (see http/octets.ts). Octets from the client so reach logs, fields and bodies unchanged; only paths are
 * decoded as text. The configuration gets these rows (see config/variables.ts): a new variable is a row here.
 */

import { AT_FDCWD, O_PATH } from "../../ffi/abi.ts";
import { basicCredentials } from "../http/basic.ts";
import { cookieVariable } from "../http/cookie.ts";
import { nameText, octets } from "../http/octets.ts";
import { formatIsoDate, formatLogDate } from "../http/reply/date.ts";
import { fieldValue } from "../http/reply/response.ts";
import { queryParameter } from "../http/request/target.ts";
import type { Evaluator, Exchange } from "./exchange.ts";
import { fastcgiPathInfo, fastcgiScriptName } from "./passing/script-name.ts";
import { filename, place } from "./place.ts";
import { evaluateOctets } from "./templates.ts";
import { attemptList, milliseconds, upstreamCookie, upstreamField } from "./upstream-values.ts";

/**
 * What a value depends on, and so how long it may be cached. `head`: only on the bytes of the request's head; `connection`: only
 * on the connection; `change`: on more.
 */
export type Lifetime = "head" | "connection" | "change";

/** A variable, or a family of variables whose names start with `prefix`. */
interface Row {
  readonly name: string;
  readonly isFamily: boolean;
  readonly lifetime: Lifetime;
  /** Its meaning, as a phrase for the reference. */
  readonly help: string;
  /** Makes the evaluator. `rest`: the part of the name after the family's prefix, in small letters; "" for a single variable. */
  readonly of: (rest: string) => Evaluator;
}

const row = (name: string, lifetime: Lifetime, help: string, value: Evaluator): Row => ({
  name,
  isFamily: false,
  lifetime,
  help,
  of: () => value,
});

const family = (name: string, lifetime: Lifetime, help: string, of: Row["of"]): Row => ({
  name,
  isFamily: true,
  lifetime,
  help,
  of,
});

const seconds = (ms: number): string => (ms / 1000).toFixed(3);
const counts = (exchange: Exchange) => exchange.services.connections.counts();
/** A port of 0 is none, as in nginx. */
const port = (number = 0): string => (number === 0 ? "" : String(number));
const query: Evaluator = (exchange) => exchange.query;
const uri: Evaluator = (exchange) => octets(exchange.path);
const fieldName = (name: string): string => name.replaceAll("_", "-");

/** All variables that a configuration may use, except groups of its own regular expressions. */
export const VARIABLES: readonly Row[] = [
  row("args", "change", "the query, without its `?`", query),
  row("body_bytes_sent", "change", "bytes of the reply's body that were sent", (e) => String(e.bodyBytesSent)),
  row("bytes_sent", "change", "bytes of the reply that were sent", (e) => String(e.bytesSent)),
  row("connection", "connection", "the connection's number", (e) => String(e.connection.number)),
  row("connection_requests", "change", "requests on the connection so far", (e) => String(e.connection.requests)),
  row("connections_active", "change", "open connections", (e) => String(counts(e).active)),
  row("connections_reading", "change", "connections on which a head has begun", (e) => String(counts(e).reading)),
  row("connections_waiting", "change", "connections without a request", (e) => String(counts(e).waiting)),
  row("connections_writing", "change", "connections with a request in progress", (e) => String(counts(e).writing)),
  row("content_length", "head", "the request's Content-Length", (e) => requestField(e, "content-length")),
  row("content_type", "head", "the request's Content-Type", (e) => requestField(e, "content-type")),
  row("document_root", "change", "the location's `root` or `alias`", documentRoot),
  row("document_uri", "change", "as `$uri`", uri),
  row("fastcgi_path_info", "change", "what follows the script's name, by `fastcgi_split_path_info`", fastcgiPathInfo),
  row(
    "fastcgi_script_name",
    "change",
    "the path, or its part by `fastcgi_split_path_info`; `fastcgi_index` follows a `/` at its end",
    fastcgiScriptName,
  ),
  row(
    "gzip_ratio",
    "change",
    "how many times smaller the reply became by compression; `-`: it was not compressed",
    ({ encoded }) =>
      encoded === null || encoded.bytesOut === 0 ? "-" : (encoded.bytesIn / encoded.bytesOut).toFixed(2),
  ),
  row(
    "host",
    "change",
    "the host that the client named, in small letters and without a port; else the server's name",
    (exchange) => exchange.request.host() || octets(exchange.server.name),
  ),
  row("https", "change", "`on` for a client that came by HTTPS, else empty", (e) =>
    e.connection.scheme === "https" ? "on" : "",
  ),
  row("is_args", "change", "`?` if there is a query, else empty", (e) => (e.query === "" ? "" : "?")),
  row("msec", "change", "the time, in seconds since 1970 with milliseconds", (e) =>
    seconds(e.services.kernel.realtime()),
  ),
  row("nginx_version", "head", "the version of Webserv", (e) => e.services.serverToken.replace(/^.*\//, "")),
  row("proxy_add_x_forwarded_for", "change", "the request's X-Forwarded-For, then the client's address", (e) =>
    [requestField(e, "x-forwarded-for"), e.connection.remoteAddress].filter(Boolean).join(", "),
  ),
  row(
    "proxy_host",
    "change",
    "host and port in `proxy_pass`, or the upstream's name",
    (e) => e.upstream?.target?.host ?? "",
  ),
  row("proxy_port", "change", "the port in `proxy_pass`, or the protocol's own", (e) => e.upstream?.target?.port ?? ""),
  row(
    "proxy_protocol_addr",
    "connection",
    "the client's address in the header of the PROXY protocol",
    (e) => e.connection.proxied?.sourceAddress ?? "",
  ),
  row("proxy_protocol_port", "connection", "the client's port there", (e) => port(e.connection.proxied?.sourcePort)),
  row(
    "proxy_protocol_server_addr",
    "connection",
    "the address there that the client connected to",
    (e) => e.connection.proxied?.serverAddress ?? "",
  ),
  row("proxy_protocol_server_port", "connection", "the port there that the client connected to", (e) =>
    port(e.connection.proxied?.serverPort),
  ),
  row("query_string", "change", "as `$args`", query),
  row(
    "realip_remote_addr",
    "connection",
    "the address of the front server, if one speaks for the client",
    (e) => (e.connection.direct ?? e.connection).remoteAddress,
  ),
  row("realip_remote_port", "connection", "its port", (e) => String((e.connection.direct ?? e.connection).remotePort)),
  row("realpath_root", "change", "`$document_root` without symbolic links", realpathRoot),
  row("remote_addr", "change", "the client's address", (e) => e.connection.remoteAddress),
  row("remote_port", "change", "the client's port", (e) => String(e.connection.remotePort)),
  row("remote_user", "head", "the user of the request's Basic credentials, right or wrong", remoteUser),
  row("request", "head", "the request line", (e) => e.request.requestLine()),
  row("request_filename", "change", "the file that the path stands for", requestFilename),
  row("request_id", "change", "32 random hexadecimal digits, others for each request", (e) => e.requestId),
  row("request_length", "head", "bytes of the request", ({ request }) =>
    String(request.length + Math.max(0, request.contentLength)),
  ),
  row("request_method", "change", "the method; in a subrequest that of the client's request", (e) =>
    e.isSubrequest ? e.request.method : e.method,
  ),
  row("request_time", "change", "seconds since the request's first byte, with milliseconds", (e) =>
    seconds(e.services.clock.now - e.startedAt),
  ),
  row("request_uri", "head", "path and query as the client sent them", requestUri),
  row("scheme", "change", "`http` or `https`", (e) => e.connection.scheme),
  row("server_addr", "connection", "the address that the client connected to", (e) => e.connection.serverAddress),
  row("server_name", "change", "the first name of the server that answers", (e) => octets(e.server.name)),
  row("server_port", "connection", "the port that the client connected to", (e) => String(e.connection.serverPort)),
  row("server_protocol", "head", "`HTTP/1.1` or `HTTP/1.0`", ({ request }) =>
    request.lineEnd === 0 ? "" : request.minor === 1 ? "HTTP/1.1" : "HTTP/1.0",
  ),
  row("status", "change", "the reply's status", (e) => String(e.errorStatus || e.status).padStart(3, "0")),
  row("time_iso8601", "change", "the time as `2026-01-31T12:00:00+00:00`", (e) =>
    formatIsoDate(e.services.clock.second),
  ),
  row("time_local", "change", "the time as `31/Jan/2026:12:00:00 +0000`", (e) =>
    formatLogDate(e.services.clock.second),
  ),
  row(
    "upstream_addr",
    "change",
    "the addresses of the servers that were asked",
    attemptList(({ name }) => name),
  ),
  row(
    "upstream_bytes_received",
    "change",
    "bytes received from them",
    attemptList((a) => String(a.bytesReceived)),
  ),
  row(
    "upstream_bytes_sent",
    "change",
    "bytes sent to them",
    attemptList((a) => String(a.bytesSent)),
  ),
  row(
    "upstream_cache_status",
    "change",
    "`MISS`, `BYPASS`, `EXPIRED`, `STALE`, `UPDATING`, `REVALIDATED` or `HIT`",
    (e) => e.upstream?.cacheStatus ?? "",
  ),
  row(
    "upstream_connect_time",
    "change",
    "seconds until they were connected, with milliseconds",
    attemptList((a) => milliseconds(a.connectTime)),
  ),
  row(
    "upstream_header_time",
    "change",
    "seconds until the heads of their replies had come",
    attemptList((a) => milliseconds(a.headerTime)),
  ),
  row("upstream_queue_time", "change", "seconds in the `queue` of the upstream", ({ upstream }) =>
    upstream === null || upstream.queueTime < 0 ? "" : milliseconds(upstream.queueTime),
  ),
  row(
    "upstream_response_length",
    "change",
    "bytes of their replies' bodies",
    attemptList((a) => String(a.responseLength)),
  ),
  row(
    "upstream_response_time",
    "change",
    "seconds until their replies had ended",
    attemptList((a) => milliseconds(a.responseTime)),
  ),
  row(
    "upstream_status",
    "change",
    "the statuses of their replies; 502 or 504 for none",
    attemptList(({ status }) => (status === 0 ? "-" : String(status))),
  ),
  row("uri", "change", "the path, decoded and without `..`; redirects inside the server change it", uri),
  family("arg_", "change", "a parameter of the query", (name) => (e) => queryParameter(e.query, name) ?? ""),
  family("cookie_", "head", "a cookie of the request", (name) => (e) => cookieVariable(e.request, name) ?? ""),
  family("http_", "head", "a field of the request, `_` for its `-`", (name) => requestFieldOf(fieldName(name))),
  family("sent_http_", "change", "a field of the reply, `_` for its `-`", (name) => sentFieldOf(fieldName(name))),
  family("upstream_cookie_", "change", "a cookie that the last server's reply sets", upstreamCookie),
  family("upstream_http_", "change", "a field of the last server's reply", (name) => upstreamField(fieldName(name))),
  family(
    "upstream_trailer_",
    "connection",
    "nothing, as in nginx but for gRPC: fields behind a body are dropped",
    () => () => "",
  ),
];

const byName = new Map(VARIABLES.filter(({ isFamily }) => !isFamily).map((one) => [one.name, one]));
const families = VARIABLES.filter(({ isFamily }) => isFamily);

/** The row of a variable, and the part of its name after a family's prefix; undefined: at most a group of a regular expression. */
function find(name: string): { row: Row; rest: string } | undefined {
  const row = byName.get(name);
  if (row !== undefined) return { row, rest: "" };
  const one = families.find((other) => name.startsWith(other.name));
  return one && { row: one, rest: name.slice(one.name.length).toLowerCase() };
}

/** The evaluator of a variable by its name without `$`. Other names are taken as assigned ones, or groups of the last regular expression that matched. */
export function variable(name: string): Evaluator {
  const found = find(name);
  if (found !== undefined) return found.row.of(found.rest);
  if (/^[0-9]+$/.test(name)) return (exchange) => octets(exchange.captures?.[Number(name)] ?? "");
  return (exchange) => exchange.assigned?.get(name) ?? octets(exchange.captures?.groups?.[name] ?? "");
}

/** How long a value of the variable may be cached. */
export const lifetimeOf = (name: string): Lifetime => find(name)?.row.lifetime ?? "change";

const requestFieldOf =
  (name: string): Evaluator =>
  (exchange) =>
    requestField(exchange, name);

const sentFieldOf =
  (name: string): Evaluator =>
  (exchange) =>
    sentField(exchange, name);

/** All lines of a field as one value (RFC 9110 §5.3; for Cookie RFC 6265 §5.4). */
function requestField({ request }: Exchange, name: string): string {
  const first = request.fieldIndex(name);
  if (first < 0) return "";
  if (request.fieldIndex(name, first + 1) < 0) return request.fieldValue(first);
  return request.fieldAll(name).join(name === "cookie" ? "; " : ", ");
}

function sentField(exchange: Exchange, name: string): string {
  const values = exchange.sentFields.filter((field) => field[0].toLowerCase() === name);
  return values.map((field) => fieldValue(field[1])).join(", ");
}

/** Path and query as received, without scheme and host of an absolute-form. */
function requestUri({ request }: Exchange): string {
  const target = request.target();
  const path = request.pathStart - request.targetStart;
  return request.pathEnd > request.pathStart ? target.slice(path) : target;
}

function documentRoot(exchange: Exchange): string {
  const { alias, root } = exchange.settings;
  return evaluateOctets(alias ?? root, exchange);
}

/** The folder itself where it cannot be opened. */
function realpathRoot(exchange: Exchange): string {
  const { kernel } = exchange.services;
  const folder = documentRoot(exchange);
  const fd = kernel.open(nameText(folder), O_PATH, 0);
  if (fd < 0) return folder;
  const into = [""];
  const n = kernel.readlink(AT_FDCWD, `/proc/self/fd/${fd}`, into);
  kernel.close(fd);
  return n < 0 ? folder : octets(into[0]!);
}

function requestFilename(exchange: Exchange): string {
  const found = place(exchange.settings, exchange.path, exchange);
  return found === null ? "" : octets(filename(found));
}

/** As in nginx (ngx_http_auth_basic_user): the user in the Basic credentials, whether or not a password was asked for. */
function remoteUser({ request }: Exchange): string {
  const at = request.fieldIndex("authorization");
  return at < 0 ? "" : (basicCredentials(request.fieldValue(at))?.user ?? "");
}
