/** The environment of a script: the variables of RFC 3875 §4.1, and those that nginx, lighttpd and Apache add. */

import type { Settings } from "../../config/model.ts";
import type { ConnectionInfo, Exchange } from "../../exchange/exchange.ts";
import { evaluateOctets } from "../../exchange/templates.ts";
import { variable } from "../../exchange/variables/variables.ts";
import { octets } from "../../http/octets.ts";
import type { RequestHead } from "../../http/request/request.ts";
import type { Script } from "./script.ts";

/** The PATH of scripts, unless `cgi_pass_env PATH` replaces it. */
const PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** MAX_ARG_STRLEN of Linux: execve(2) fails with E2BIG if a variable has so many bytes, its NUL included. */
const MOST_BYTES = 128 * 1024;

/**
 * Fields that do not become an HTTP_ variable: they have a variable of their own, they describe a framing that the script does not
 * see, or (Proxy) they would become HTTP_PROXY, which programs believe to be set by the administrator ("httpoxy").
 */
const NOT_PASSED_ON = new Set(["content-length", "content-type", "transfer-encoding", "proxy", "proxy-authorization"]);

const documentRoot = variable("document_root");
const requestUri = variable("request_uri");

/**
 * NAME=value, as octets, for a script: the server's own variables, then `cgi_pass_env`, which replaces only PATH, then `cgi_param`,
 * which replaces all. A variable with a NUL, or longer than Linux takes, is left out.
 * @param contentLength bytes of the body that the script can read; -1: there is none
 */
export function environment(exchange: Exchange, script: Script, contentLength: number): string[] {
  const { settings, services, session } = exchange;
  const variables = new Map<string, string>();
  variables.set("PATH", PATH);
  for (const name of settings.cgiPassEnv) {
    const value = services.environment[name];
    if (value !== undefined) variables.set(name, octets(value));
  }
  setServer(variables, exchange);
  setScript(variables, exchange, script);
  setBody(variables, exchange, contentLength);
  if (exchange.user !== "") variables.set("AUTH_TYPE", "Basic").set("REMOTE_USER", exchange.user);
  setFields(variables, exchange.request, settings);
  // The authority of an absolute-form replaces the Host field (RFC 9112 §3.2.2).
  const authority = exchange.request.authority();
  if (authority !== "") variables.set("HTTP_HOST", authority);
  if (session !== null) variables.set("SESSION_ID", session.id).set("SESSION_DATA", octets(session.data));
  for (const { name, value } of settings.cgiParams) variables.set(name, evaluateOctets(value, exchange));
  return lines(variables);
}

function setServer(variables: Map<string, string>, exchange: Exchange): void {
  const { connection, request, services, settings } = exchange;
  variables
    .set("GATEWAY_INTERFACE", "CGI/1.1")
    .set("SERVER_SOFTWARE", settings.serverTokens ? services.serverToken : services.serverToken.replace(/\/.*/, ""))
    .set("SERVER_PROTOCOL", request.minor === 1 ? "HTTP/1.1" : "HTTP/1.0")
    .set("SERVER_NAME", serverName(exchange))
    .set("SERVER_ADDR", connection.serverAddress)
    .set("SERVER_PORT", String(connection.serverPort || 80))
    .set("REMOTE_ADDR", connection.remoteAddress)
    .set("REMOTE_HOST", connection.remoteAddress)
    .set("REMOTE_PORT", String(connection.remotePort))
    .set("REQUEST_SCHEME", connection.scheme);
  if (connection.scheme === "https") variables.set("HTTPS", "on");
}

/** The host the client named; else the configured name, else the address, in brackets as URLs have it (§4.1.14). */
function serverName({ request, server, connection }: Exchange): string {
  const named = request.host() || octets(server.name);
  return named !== "" ? named : hostOf(connection);
}

const hostOf = ({ serverAddress }: ConnectionInfo): string =>
  serverAddress.includes(":") ? `[${serverAddress}]` : serverAddress;

function setScript(variables: Map<string, string>, exchange: Exchange, script: Script): void {
  const root = documentRoot(exchange);
  const filename = octets(script.filename);
  const info = octets(script.pathInfo);
  variables
    .set("REQUEST_METHOD", exchange.method)
    .set("QUERY_STRING", exchange.query)
    .set("REQUEST_URI", requestUri(exchange))
    .set("DOCUMENT_URI", octets(exchange.path))
    .set("DOCUMENT_ROOT", root)
    .set("SCRIPT_NAME", octets(script.name))
    .set("SCRIPT_FILENAME", filename)
    .set("PATH_INFO", info)
    // php-cgi requires it, and scripts for error pages read the status from it, as with Apache.
    .set("REDIRECT_STATUS", String(exchange.errorStatus || 200));
  // If the alias is the script itself, there is no folder beneath which PATH_INFO could name a file.
  const folder = root.replace(/\/+$/, "");
  if (info !== "" && filename.startsWith(`${folder}/`)) variables.set("PATH_TRANSLATED", folder + info);
}

/** After an internal redirect the request has no body (§6.2.2). */
function setBody(variables: Map<string, string>, { method, request }: Exchange, contentLength: number): void {
  const length = contentLength < 0 && method === request.method ? Math.min(0, request.contentLength) : contentLength;
  if (length >= 0) variables.set("CONTENT_LENGTH", String(length));
  const type = method === request.method ? request.field("content-type") : undefined;
  if (type !== undefined) variables.set("CONTENT_TYPE", type);
}

/** HTTP_*: only fields whose names stay distinct when "-" becomes "_", unless `underscores_in_headers` is on. Lines with the same name become one value (RFC 9110 §5.3, RFC 6265 §5.4). */
function setFields(
  variables: Map<string, string>,
  request: RequestHead,
  { cgiPassAuthorization, underscoresInHeaders }: Settings,
): void {
  const names = underscoresInHeaders ? /^[a-z0-9_-]+$/ : /^[a-z0-9-]+$/;
  for (let i = 0; i < request.fieldCount; i++) {
    const name = request.fieldName(i).toLowerCase();
    if (!names.test(name) || NOT_PASSED_ON.has(name)) continue;
    if (name === "authorization" && !setAuthorization(variables, request.fieldValue(i), cgiPassAuthorization)) continue;
    const variable = `HTTP_${name.replaceAll("-", "_").toUpperCase()}`;
    const before = variables.get(variable);
    const value = request.fieldValue(i);
    variables.set(variable, before === undefined ? value : before + (name === "cookie" ? "; " : ", ") + value);
  }
}

/** AUTH_TYPE is the scheme (§4.1.1). Whether the credentials are passed on. */
function setAuthorization(variables: Map<string, string>, value: string, pass: boolean): boolean {
  if (pass) variables.set("AUTH_TYPE", value.replace(/[ \t].*/s, ""));
  return pass;
}

function lines(variables: Map<string, string>): string[] {
  const all: string[] = [];
  for (const [name, value] of variables) {
    if (name.length + value.length + 2 <= MOST_BYTES && !value.includes("\0")) all.push(`${name}=${value}`);
  }
  return all;
}
