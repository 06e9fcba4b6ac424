/**
 * Cross-origin requests to a location that takes uploads (`upload_cors`; the CORS protocol is part of https://fetch.spec.whatwg.org).
 * Pages of the origins that are named may send files here by tus, PUT or POST, and read the replies.
 */
import type { Settings } from "../../config/model.ts";
import type { Exchange } from "../../exchange/exchange.ts";
import type { Filter } from "../../exchange/filter.ts";
import { ANSWERED, GO_ON, type Phase } from "../../exchange/phase.ts";
import type { Field } from "../../exchange/reply.ts";

const METHODS = "GET, HEAD, POST, PUT, PATCH, DELETE";
/** What clients of tus send, and what is of use with any upload. */
const REQUEST_FIELDS =
  "Authorization, Content-Type, If-Match, If-None-Match, Tus-Resumable, Upload-Checksum, Upload-Concat, Upload-Defer-Length, Upload-Length, Upload-Metadata, Upload-Offset, X-HTTP-Method-Override, X-Request-ID, X-Requested-With";
/** What a page may read of a reply. */
const EXPOSED =
  "Content-Location, ETag, Location, Retry-After, Tus-Checksum-Algorithm, Tus-Extension, Tus-Max-Size, Tus-Resumable, Tus-Version, Upload-Concat, Upload-Defer-Length, Upload-Expires, Upload-Length, Upload-Metadata, Upload-Offset";
/** How long a browser may remember the answer to its preflight, in seconds. */
const PREFLIGHT_LIFETIME = "86400";

/** Whether a location answers requests of other origins. */
export const hasCors = ({ upload, uploadCors, return: fixed, sessionApi }: Settings): boolean =>
  upload !== null && uploadCors !== null && fixed === null && !sessionApi;

/** Answers preflights, before anybody is asked for a password; other replies get their fields even where an error page answers elsewhere. */
export const corsPhase: Phase = (exchange) => {
  if (exchange.redirects > 0) return GO_ON;
  for (const [name, value] of fieldsFor(exchange)) exchange.addField(name, value);
  if (!isPreflight(exchange) || allowedOrigin(exchange) === "") return GO_ON;
  exchange.reply(204, PREFLIGHT, null);
  return ANSWERED;
};

const PREFLIGHT: readonly Field[] = [
  ["Access-Control-Allow-Methods", METHODS],
  ["Access-Control-Allow-Headers", REQUEST_FIELDS],
  ["Access-Control-Max-Age", PREFLIGHT_LIFETIME],
];

/** The replies to which no phase could add the fields: a body is refused before. */
export const corsFilter: Filter = ({ fields }, exchange) => {
  for (const field of fieldsFor(exchange)) {
    if (!fields.some(([name, value]) => name === field[0] && value === field[1])) fields.push(field);
  }
};

const isPreflight = ({ method, request }: Exchange): boolean =>
  method === "OPTIONS" && request.fieldIndex("access-control-request-method") >= 0;

/** Where only some origins are allowed, a cache must know that the reply depends on it. */
function fieldsFor(exchange: Exchange): readonly Field[] {
  const fields: Field[] = exchange.settings.uploadCors!.includes("*") ? [] : [["Vary", "Origin"]];
  const origin = allowedOrigin(exchange);
  if (origin === "") return fields;
  return [...fields, ["Access-Control-Allow-Origin", origin], ["Access-Control-Expose-Headers", EXPOSED]];
}

/** The origin that may read the reply, or "*": every one; "": none. */
function allowedOrigin({ request, settings }: Exchange): string {
  if (settings.uploadCors!.includes("*")) return "*";
  const origin = request.field("origin") ?? "";
  return settings.uploadCors!.includes(origin) ? origin : "";
}
