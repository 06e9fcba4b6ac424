/**
 * Cross-origin requests to a location that accepts uploads (`upload_cors`; the CORS protocol is part of https://fetch.spec.whatwg.org).
 * Pages of the listed origins may send files to it by tus, PUT or POST, and may read the replies.
 */
import type { Settings } from "../../config/model.ts";
import type { Exchange } from "../../exchange/exchange.ts";
import type { Filter } from "../../exchange/filter.ts";
import { ANSWERED, GO_ON, type Phase } from "../../exchange/phase.ts";
import type { Field } from "../../exchange/reply.ts";

const METHODS = "GET, HEAD, POST, PUT, PATCH, DELETE";
/** Request fields that tus clients send, and those useful for any upload. */
const REQUEST_FIELDS =
  "Authorization, Content-Type, If-Match, If-None-Match, Tus-Resumable, Upload-Checksum, Upload-Concat, Upload-Defer-Length, Upload-Length, Upload-Metadata, Upload-Offset, X-HTTP-Method-Override, X-Request-ID, X-Requested-With";
/** Reply fields that a page may read. */
const EXPOSED =
  "Content-Location, ETag, Location, Retry-After, Tus-Checksum-Algorithm, Tus-Extension, Tus-Max-Size, Tus-Resumable, Tus-Version, Upload-Concat, Upload-Defer-Length, Upload-Expires, Upload-Length, Upload-Metadata, Upload-Offset";
/** How long a browser may cache the reply to its preflight request, in seconds. */
const PREFLIGHT_LIFETIME = "86400";

/** Whether a location accepts requests from other origins. */
export const hasCors = ({ upload, uploadCors, return: fixed, sessionApi }: Settings): boolean =>
  upload !== null && uploadCors !== null && fixed === null && !sessionApi;

/**
 * Answers preflight requests before access is checked, because browsers send them without a password. Adds the CORS fields to
 * all other replies, before an internal redirect can send an error page from a location without `upload_cors`.
 */
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

/** Adds the CORS fields to replies that are sent before the phases run, for example when a body is refused. */
export const corsFilter: Filter = ({ fields }, exchange) => {
  for (const field of fieldsFor(exchange)) {
    if (!fields.some(([name, value]) => name === field[0] && value === field[1])) fields.push(field);
  }
};

const isPreflight = ({ method, request }: Exchange): boolean =>
  method === "OPTIONS" && request.fieldIndex("access-control-request-method") >= 0;

/** The CORS fields of a reply. If only some origins are allowed, Vary tells caches that the reply depends on the origin. */
function fieldsFor(exchange: Exchange): readonly Field[] {
  const fields: Field[] = exchange.settings.uploadCors!.includes("*") ? [] : [["Vary", "Origin"]];
  const origin = allowedOrigin(exchange);
  if (origin === "") return fields;
  return [...fields, ["Access-Control-Allow-Origin", origin], ["Access-Control-Expose-Headers", EXPOSED]];
}

/** The origin that may read the reply; "*": any; "": none. */
function allowedOrigin({ request, settings }: Exchange): string {
  if (settings.uploadCors!.includes("*")) return "*";
  const origin = request.field("origin") ?? "";
  return settings.uploadCors!.includes(origin) ? origin : "";
}
