/** From a request's head to its location: the checks of SPEC.md §3 in their order, before any byte of a body is read. */
import type { Exchange } from "../exchange/exchange.ts";
import type { Handler } from "../exchange/handler.ts";
import { ASTERISK_FORM, EXPECT_OTHER, type RequestHead } from "../http/request/request.ts";
import { normalise } from "../http/request/target.ts";
import type { VirtualHosts } from "../routing/virtual-hosts.ts";
import type { Routes } from "./route.ts";
import type { ServerExchange } from "./server-exchange.ts";

/** OPTIONS is answered wherever it is asked (RFC 9110 §9.3.7). */
const options: Handler = {
  handle(exchange: Exchange): void {
    const { allow, handler } = (exchange as ServerExchange).progress.route;
    exchange.reply(204, [["Allow", allow], ...(handler.optionsFields?.(exchange) ?? [])], null);
  },
};

/** Finds server and location. 0, or the status that refuses the request. */
export function admit(exchange: ServerExchange, hosts: VirtualHosts<Routes>): number {
  const { request, progress } = exchange;
  const { server: router, captures, undecided } = hosts.single ? hosts.fallback : hosts.find(request.host());
  progress.method = request.method;
  progress.enter(router, router.scope);
  progress.captures = captures;
  if (undecided === true) return 400;
  if (!request.methodKnown) return 501;
  if (request.form !== ASTERISK_FORM && !enterLocation(exchange, router)) return 400;
  if (exchange.settings.internal) return 404;
  if (request.method === "TRACE" || request.method === "CONNECT") return 405;
  if (request.method === "OPTIONS") progress.answerWith(options);
  else if (!progress.route.allows(request.method) && !progress.handler.takes?.(exchange)) return 405;
  return checkBody(exchange);
}

function enterLocation(exchange: ServerExchange, router: Routes): boolean {
  const { parser, request, progress } = exchange;
  // The same bytes give the same text; reusing it also spares the maps it is looked up in another hash.
  if (!parser.repeated) progress.requestPath = decodedPath(request);
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
  progress.enter(router, router.find(path));
  exchange.seeThroughFrontServer();
  return true;
}

function decodedPath(request: RequestHead): string | null {
  const start = request.base + request.pathStart;
  const end = request.base + request.pathEnd;
  if (start === end) return "/"; // absolute-form without a path (RFC 9110 §4.2.3)
  return request.plainPath ? request.bytes.latin1Slice(start, end) : normalise(request.bytes, start, end);
}

function checkBody({ request, settings }: ServerExchange): number {
  const most = settings.clientMaxBodySize;
  if (most > 0 && request.contentLength > most) return 413;
  return request.expect === EXPECT_OTHER ? 417 : 0;
}
