/** Variables of the request: its line, its fields, its path and query. */
import { basicCredentials } from "../../http/basic.ts";
import { cookieVariable } from "../../http/cookie.ts";
import { octets, trimmed } from "../../http/octets.ts";
import { queryParameter } from "../../http/request/target.ts";
import type { Evaluator, Exchange } from "../exchange.ts";
import { family, fieldName, type Row, row } from "./row.ts";

const query: Evaluator = (exchange) => exchange.query;
const uri: Evaluator = (exchange) => octets(exchange.path);

export const REQUEST: readonly Row[] = [
  row("args", "change", "the query, without its `?`", query),
  row(
    "content_length",
    "change",
    "the request's Content-Length; of chunks the length of the body, once it was received",
    (e) => requestField(e, "content-length") || String(e.receivedBody?.length ?? ""),
  ),
  row("content_type", "head", "the request's Content-Type", (e) => requestField(e, "content-type")),
  row("document_uri", "change", "as `$uri`", uri),
  row(
    "host",
    "change",
    "the host that the client named, in small letters and without a port; else the server's name",
    (exchange) => exchange.request.host() || octets(exchange.server.name),
  ),
  row("is_args", "change", "`?` if there is a query, else empty", (e) => (e.query === "" ? "" : "?")),
  row("is_request_port", "head", "`:` if there is a `$request_port`, else empty", (e) =>
    e.request.port() < 0 ? "" : ":",
  ),
  row("proxy_add_x_forwarded_for", "change", "the request's X-Forwarded-For, then the client's address", (e) =>
    [requestField(e, "x-forwarded-for"), e.connection.remoteAddress].filter(Boolean).join(", "),
  ),
  row("query_string", "change", "as `$args`", query),
  row("remote_user", "head", "the user of the request's Basic credentials, right or wrong", remoteUser),
  row("request", "head", "the request line", (e) => e.request.requestLine()),
  row(
    "request_body",
    "change",
    "the body, if it goes to another server or a mirror and fits into `client_body_buffer_size`",
    (e) => e.receivedBody?.text ?? "",
  ),
  row(
    "request_body_file",
    "change",
    "the name of the file with the body, if it is in one that has a name",
    (e) => e.receivedBody?.file ?? "",
  ),
  row("request_id", "change", "32 random hexadecimal digits, others for each request", (e) => e.requestId),
  row("request_length", "change", "bytes of the request, with as much of its body as was read", (e) =>
    String(e.request.length + e.bodyBytesReceived),
  ),
  row("request_method", "change", "the method; in a subrequest that of the client's request", (e) =>
    e.isSubrequest ? e.request.method : e.method,
  ),
  row("request_port", "head", "the port that the client named, if it did", ({ request }) =>
    request.port() < 0 ? "" : String(request.port()),
  ),
  row("request_uri", "head", "path and query as the client sent them", requestUri),
  row("server_name", "change", "the first name of the server that answers", (e) => octets(e.server.name)),
  row("server_protocol", "head", "`HTTP/1.1` or `HTTP/1.0`", ({ request }) =>
    request.lineEnd === 0 ? "" : request.minor === 1 ? "HTTP/1.1" : "HTTP/1.0",
  ),
  row("uri", "change", "the path, decoded and without `..`; redirects inside the server change it", uri),
  family("arg_", "change", "a parameter of the query", (name) => (e) => queryParameter(e.query, name) ?? ""),
  family("cookie_", "head", "a cookie of the request", (name) => (e) => cookieVariable(e.request, name) ?? ""),
  family("http_", "head", "a field of the request, `_` for its `-`", (name) => requestFieldOf(fieldName(name))),
  family("trailer_", "change", "a field behind the chunks of the request's body, once they were received", (name) =>
    trailerOf(fieldName(name)),
  ),
];

const trailerOf =
  (name: string): Evaluator =>
  ({ receivedTrailers }) =>
    receivedTrailers
      .split("\r\n")
      .filter((line) => line.slice(0, line.indexOf(":")).toLowerCase() === name)
      .map((line) => trimmed(line, name.length + 1))
      .join(", ");

const requestFieldOf =
  (name: string): Evaluator =>
  (exchange) =>
    requestField(exchange, name);

/** All lines of a field as one value (RFC 9110 §5.3; for Cookie RFC 6265 §5.4). */
function requestField({ request, settings }: Exchange, name: string): string {
  const first = request.fieldIndex(name);
  if (first < 0) {
    const other = settings.underscoresInHeaders || !settings.ignoreInvalidHeaders ? request.underscoredIndex(name) : -1;
    return other < 0 ? "" : request.fieldValue(other);
  }
  if (request.fieldIndex(name, first + 1) < 0) return request.fieldValue(first);
  return request.fieldAll(name).join(name === "cookie" ? "; " : ", ");
}

/** Path and query as received, without scheme and host of an absolute-form. */
export function requestUri({ request }: Exchange): string {
  const target = request.target();
  const path = request.pathStart - request.targetStart;
  return request.pathEnd > request.pathStart ? target.slice(path) : target;
}

/** As in nginx (ngx_http_auth_basic_user): the user in the Basic credentials, whether or not a password was asked for. */
function remoteUser({ request }: Exchange): string {
  const at = request.fieldIndex("authorization");
  return at < 0 ? "" : (basicCredentials(request.fieldValue(at))?.user ?? "");
}
