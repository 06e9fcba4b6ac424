/** Finds the location of a request: the checks of docs/behaviour.md (Requests) in order, before any byte of the body is read. */
import { clientVerify } from "../exchange/variables/tls.ts";
import { ASTERISK_FORM, EXPECT_OTHER, type RequestHead } from "../http/request/request.ts";
import { normalise } from "../http/request/target.ts";
import type { VirtualHosts } from "../routing/virtual-hosts.ts";
import { options } from "./progress.ts";
import type { Routes } from "./route.ts";
import type { ServerExchange } from "./server-exchange.ts";

/** nginx's statuses for what it refuses with 400, so that `error_page` can tell them apart. */
const BAD_CERTIFICATE = 495;
const NO_CERTIFICATE = 496;
const TO_HTTPS = 497;
const MISDIRECTED = 421;
/** An unregistered method that a location may list. Methods are case-sensitive: `get` is not one. */
const METHOD = /^[A-Z][A-Z_-]*$/;

/** Finds the server and the location of a request. 0, or the status that refuses it. */
export function admit(exchange: ServerExchange, hosts: VirtualHosts<Routes>): number {
  const { request, progress } = exchange;
  const { server: router, captures, undecided } = hosts.single ? hosts.fallback : hosts.find(request.host());
  progress.method = request.method;
  if (router !== progress.router) progress.enter(router, router.scope); // else `begin` has entered it
  progress.captures = captures;
  if (undecided === true) return 400;
  if (request.form !== ASTERISK_FORM && !enterLocation(exchange, router)) return 400;
  const refusal = exchange.origin.tls ? tlsRefusal(exchange, hosts) : 0;
  if (refusal !== 0) return refusal;
  if (!request.methodKnown && !METHOD.test(request.method)) return 501;
  if (request.method === "TRACE" || request.method === "CONNECT") return 405;
  if (request.form === ASTERISK_FORM) progress.answerWith(options);
  return checkBody(exchange);
}

function enterLocation(exchange: ServerExchange, router: Routes): boolean {
  const { parser, request, progress } = exchange;
  // The same bytes give the same text. To reuse the string also saves computing its hash again for the maps it is looked up in.
  if (!parser.repeated) progress.requestPath = decodedPath(request, router.scope.route.settings.mergeSlashes);
  const path = progress.requestPath;
  if (path === null) {
    exchange.log(
      "info",
      "client sent an invalid request: its path has a bad percent pair or a NUL, or climbs above the root",
    );
    return false;
  }
  progress.path = path;
  if (request.hasQuery) progress.query = request.query();
  if (router.scope.route.program !== null) exchange.applyFrontServer(); // its steps may ask for the client's address
  progress.locate(router);
  exchange.applyFrontServer();
  return true;
}

/**
 * As nginx judges a connection to an address with TLS. 0, or the status that refuses its request. A server that asks for certificates
 * takes none that another server, whose name the handshake had, has verified: that one may trust other authorities.
 */
function tlsRefusal(exchange: ServerExchange, hosts: VirtualHosts<Routes>): number {
  const { connection, progress } = exchange;
  const tls = (connection.direct ?? connection).tls;
  const session = tls?.session;
  if (!tls || !session) return TO_HTTPS;
  const { sslVerifyClient } = exchange.settings;
  if (sslVerifyClient === "off") return 0;
  if (!hosts.single && hosts.find(tls.serverName).server !== progress.router) {
    exchange.log("info", "client attempted to request the server name different from the one that was negotiated");
    return MISDIRECTED;
  }
  const verified = clientVerify(session);
  if (verified === "NONE") return sslVerifyClient === "on" ? NO_CERTIFICATE : 0;
  if (verified === "SUCCESS" || sslVerifyClient === "optional_no_ca") return 0;
  return BAD_CERTIFICATE;
}

function decodedPath(request: RequestHead, merges: boolean): string | null {
  const start = request.base + request.pathStart;
  const end = request.base + request.pathEnd;
  if (start === end) return "/"; // absolute-form without a path (RFC 9110 §4.2.3)
  return request.plainPath ? request.bytes.latin1Slice(start, end) : normalise(request.bytes, start, end, merges);
}

function checkBody({ request, settings }: ServerExchange): number {
  const most = settings.clientMaxBodySize;
  if (most > 0 && request.contentLength > most) return 413;
  return request.expect === EXPECT_OTHER ? 417 : 0;
}
