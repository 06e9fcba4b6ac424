/** The fields that a location adds to its replies: `add_header` and `expires` (ngx_http_headers_module). */
import { type Expires, type ExpiresRule, parseExpires } from "../../config/settings/expires.ts";
import type { Exchange } from "../../exchange/exchange.ts";
import type { Filter, ReplyDraft } from "../../exchange/filter.ts";
import type { Field } from "../../exchange/reply.ts";
import { evaluateOctets } from "../../exchange/templates.ts";
import { formatDate } from "../../http/reply/date.ts";
import { indexOfSingleton, putField } from "../../http/reply/response.ts";
import { isBodiless } from "../../http/reply/status.ts";

/** The statuses that get the fields which are not marked `always`. */
const SUCCESSFUL: readonly number[] = [200, 201, 204, 206, 301, 302, 303, 304, 307, 308];
export const isSuccessful = (status: number): boolean => SUCCESSFUL.includes(status);
/** The fields that an empty value removes, as in nginx. */
const VALIDATOR = /^(?:etag|last-modified)$/i;
const CACHE_CONTROL = /^cache-control$/i;
const TEN_YEARS = 315360000;
const DAY = 86400;

/** Adds the fields that the location configures. */
export const addFields: Filter = (draft, exchange) => {
  const { settings } = exchange;
  if (exchange.isSubrequest) return; // as in nginx: its reply is another's part, or nobody's
  const isGood = isSuccessful(draft.status) || isOutOfRange(draft);
  if (settings.expires !== null && isGood) addExpires(draft, exchange, settings.expires);
  if (settings.addHeaders.length === 0) return;
  const { fields } = draft;
  exchange.sentFields = fieldsSoFar(draft);
  for (const { name, value, always } of settings.addHeaders) {
    if (!always && !isGood) continue;
    const text = evaluateOctets(value, exchange);
    if (text !== "") putHeader(fields, name, text);
    else if (VALIDATOR.test(name)) removeField(fields, name);
  }
};

/** Whether a range beyond the file has made a 416 of a 200: nginx adds the fields before it looks at ranges. */
const isOutOfRange = ({ status, fields }: ReplyDraft): boolean =>
  status === 416 && fields.some(([name]) => name === "Content-Range");

/** For $sent_http_NAME, as in nginx: what there is so far, with Content-Length as it is before compression. */
function fieldsSoFar({ status, fields, body, length }: ReplyDraft): Field[] {
  const bytes = length ?? (body === null ? 0 : body.length);
  return bytes < 0 || isBodiless(status) ? [...fields] : [...fields, ["Content-Length", String(bytes)]];
}

/** Adds or replaces a field. The Content-Type of multiple ranges stays, because it contains the boundary. */
function putHeader(fields: Field[], name: string, value: string): void {
  const only = fields[indexOfSingleton(fields, name)];
  if (only === undefined || !only[1].startsWith("multipart/byteranges;")) putField(fields, name, value);
}

function removeField(fields: Field[], name: string): void {
  const at = indexOfSingleton(fields, name);
  if (at >= 0) fields.splice(at, 1);
}

function addExpires(draft: ReplyDraft, exchange: Exchange, expires: Expires): void {
  const rule = expires.kind === "variable" ? ruleFrom(expires, draft, exchange) : expires;
  if (rule === undefined || rule.kind === "off") return;
  const { options } = draft;
  if (options?.fromUpstream === true) draft.fields = draft.fields.filter(([name]) => !CACHE_CONTROL.test(name));
  putRule(draft.fields, rule, exchange.services.clock.second, options?.modified);
}

/** What a value with variables says; undefined, as in nginx: nothing that can be understood. */
function ruleFrom(
  { value, isModified }: Expires & { kind: "variable" },
  draft: ReplyDraft,
  exchange: Exchange,
): ExpiresRule | undefined {
  exchange.sentFields = fieldsSoFar(draft);
  return parseExpires(evaluateOctets(value, exchange), isModified);
}

function putRule(fields: Field[], expires: ExpiresRule, now: number, modified: number | undefined): void {
  switch (expires.kind) {
    case "off":
      return;
    case "epoch":
      return putExpires(fields, "Thu, 01 Jan 1970 00:00:01 GMT", "no-cache");
    case "max":
      return putExpires(fields, "Thu, 31 Dec 2037 23:55:55 GMT", `max-age=${TEN_YEARS}`);
  }
  const seconds = secondsFromNow(expires.kind, expires.seconds, now, modified);
  putExpires(fields, formatDate(now + seconds), seconds < 0 ? "no-cache" : `max-age=${seconds}`);
}

/** Cache-Control is a list, so it is added: what a script or a session forbids stays forbidden. */
function putExpires(fields: Field[], expires: string, control: string): void {
  putField(fields, "Expires", expires);
  fields.push(["Cache-Control", control]);
}

function secondsFromNow(kind: "in" | "modified" | "at", seconds: number, now: number, modified: number | undefined) {
  if (kind === "in" || (seconds === 0 && kind === "modified")) return seconds; // as nginx: no time at all is from now
  if (kind === "modified") return (modified ?? now) + seconds - now;
  const sinceMidnight = (((now - localOffset(now)) % DAY) + DAY) % DAY;
  return (seconds - sinceMidnight + DAY) % DAY;
}

/** Seconds that local time is behind UTC at `now`. */
const localOffset = (now: number): number => new Date(now * 1000).getTimezoneOffset() * 60;
