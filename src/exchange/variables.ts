/**
 * nginx's variables: their values for one request, as octets (see http/octets.ts). So what a client sent goes into logs,
 * fields and bodies as it came, whatever its bytes mean; only paths are read as text.
 */

import type { Template } from "../config/model.ts";
import { cookieVariable } from "../http/cookie.ts";
import { nameText, octets } from "../http/octets.ts";
import { formatIsoDate, formatLogDate } from "../http/reply/date.ts";
import { fieldValue } from "../http/reply/response.ts";
import { queryParameter } from "../http/request/target.ts";
import type { Exchange } from "./exchange.ts";
import { filename, place } from "./place.ts";

/** Gives octets for a request; "" where there is none. */
export type Evaluator = (exchange: Exchange) => string;

const compiled = new WeakMap<Template, Evaluator>();

/** The template's text for this request, in Unicode: paths and names of files. */
export function evaluate(template: Template, exchange: Exchange): string {
  return template.constant ?? nameText(evaluateOctets(template, exchange));
}

/** The template's octets for this request: what is sent or logged. */
export function evaluateOctets(template: Template, exchange: Exchange): string {
  let evaluator = compiled.get(template);
  if (evaluator === undefined) compiled.set(template, (evaluator = compile(template.parts)));
  return evaluator(exchange);
}

/** A template's parts as a function, its variables looked up once. */
export function compile(parts: Template["parts"]): Evaluator {
  const evaluators = parts.map((part): Evaluator => {
    if (typeof part !== "string") return variable(part.variable);
    const literal = octets(part);
    return () => literal;
  });
  if (evaluators.length === 1) return evaluators[0];
  return (exchange) => {
    let text = "";
    for (const evaluator of evaluators) text += evaluator(exchange);
    return text;
  };
}

/** A variable by its name without `$`: a built-in one, one of a family (`http_NAME`), else a group of the last regular expression. */
export function variable(name: string): Evaluator {
  const known = variables[name];
  if (known !== undefined) return known;
  for (const [prefix, family] of families) {
    if (name.startsWith(prefix)) return family(name.slice(prefix.length).toLowerCase());
  }
  if (/^[0-9]+$/.test(name)) return (exchange) => octets(exchange.captures?.[Number(name)] ?? "");
  return (exchange) => octets(exchange.captures?.groups?.[name] ?? "");
}

const seconds = (ms: number): string => (ms / 1000).toFixed(3);
const query: Evaluator = (exchange) => exchange.query;
const uri: Evaluator = (exchange) => octets(exchange.path);

const variables: { readonly [name: string]: Evaluator } = {
  __proto__: null as never,
  args: query,
  body_bytes_sent: (exchange) => String(exchange.bodyBytesSent),
  bytes_sent: (exchange) => String(exchange.bytesSent),
  connection: (exchange) => String(exchange.connection.number),
  connection_requests: (exchange) => String(exchange.connection.requests),
  content_length: (exchange) => requestField(exchange, "content-length"),
  content_type: (exchange) => requestField(exchange, "content-type"),
  document_root: documentRoot,
  document_uri: uri,
  host: (exchange) => exchange.request.host() || octets(exchange.server.name),
  is_args: (exchange) => (exchange.query === "" ? "" : "?"),
  msec: (exchange) => seconds(exchange.services.kernel.realtime()),
  query_string: query,
  remote_addr: (exchange) => exchange.connection.remoteAddress,
  remote_port: (exchange) => String(exchange.connection.remotePort),
  remote_user: () => "",
  request: (exchange) => exchange.request.requestLine(),
  request_filename: requestFilename,
  request_id: (exchange) => exchange.requestId,
  request_length: ({ request }) => String(request.length + Math.max(0, request.contentLength)),
  request_method: (exchange) => exchange.method,
  request_time: (exchange) => seconds(exchange.services.clock.now - exchange.startedAt),
  request_uri: requestUri,
  scheme: () => "http",
  server_addr: (exchange) => exchange.connection.serverAddress,
  server_name: (exchange) => octets(exchange.server.name),
  server_port: (exchange) => String(exchange.connection.serverPort),
  server_protocol: ({ request }) => (request.lineEnd === 0 ? "" : request.minor === 1 ? "HTTP/1.1" : "HTTP/1.0"),
  status: (exchange) => String(exchange.errorStatus || exchange.status).padStart(3, "0"),
  time_iso8601: (exchange) => formatIsoDate(exchange.services.clock.second),
  time_local: (exchange) => formatLogDate(exchange.services.clock.second),
  uri,
};

/** Variables whose names go on; the argument is what follows the prefix, in small letters. */
const families: readonly [prefix: string, family: (name: string) => Evaluator][] = [
  ["arg_", (name) => (exchange) => queryParameter(exchange.query, name) ?? ""],
  ["http_", (name) => requestFieldOf(fieldName(name))],
  ["cookie_", (name) => (exchange) => cookieVariable(exchange.request, name) ?? ""],
  ["sent_http_", (name) => sentFieldOf(fieldName(name))],
];

const fieldName = (name: string): string => name.replaceAll("_", "-");

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

/** Path and query as they came, without the scheme and host of an absolute-form. */
function requestUri({ request }: Exchange): string {
  const target = request.target();
  const path = request.pathStart - request.targetStart;
  return request.pathEnd > request.pathStart ? target.slice(path) : target;
}

function documentRoot(exchange: Exchange): string {
  const { alias, root } = exchange.settings;
  return evaluateOctets(alias ?? root, exchange);
}

function requestFilename(exchange: Exchange): string {
  const found = place(exchange.settings, exchange.path, exchange);
  return found === null ? "" : octets(filename(found));
}
