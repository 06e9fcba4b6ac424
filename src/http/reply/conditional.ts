/** Conditional requests (RFC 9110 §13): decides between sending the representation, 304 and 412. */

import { entityTags, isEntityTag } from "../headers.ts";
import {
  type RequestHead,
  SEEN_IF_MATCH,
  SEEN_IF_MODIFIED_SINCE,
  SEEN_IF_UNMODIFIED_SINCE,
} from "../request/request.ts";
import { parseDate } from "./date.ts";

/** The validators of the representation that conditions are compared with. */
export interface Validators {
  /** The quoted entity tag, or null when there is none. */
  readonly etag: string | null;
  /** Whole seconds since 1970, or null when the modification time is unknown. */
  readonly mtimeSeconds: number | null;
}

/** nginx's `if_modified_since`: compare for equal times, compare for not newer, or ignore the field. */
type ModifiedSincePolicy = "exact" | "before" | "off";

/**
 * Evaluates the preconditions of a request for an existing representation in the order of RFC 9110 §13.2.2. Gives 0: go on,
 * 304: not modified (GET and HEAD only), 412: precondition failed. `now`: seconds since 1970.
 */
export function evaluate(
  head: RequestHead,
  validators: Validators,
  policy: ModifiedSincePolicy,
  now: number,
): 0 | 304 | 412 {
  const { seen } = head;
  if ((seen & SEEN_IF_MATCH) !== 0) {
    if (!matchesAny(head.field("if-match")!, validators.etag, true)) return 412;
  } else if ((seen & SEEN_IF_UNMODIFIED_SINCE) !== 0 && unmodifiedSinceFails(head, validators, now)) return 412;
  const safe = head.method === "GET" || head.method === "HEAD";
  if (head.noneMatch >= 0) {
    if (!noneMatchNames(head, validators.etag)) return 0;
    return safe ? 304 : 412;
  }
  if (!safe || (seen & SEEN_IF_MODIFIED_SINCE) === 0) return 0;
  return notModifiedSince(head, validators, policy, now) ? 304 : 0;
}

/**
 * Whether to obey the Range field: always without If-Range; with If-Range only when its strong tag or exact date still matches
 * the representation (RFC 9110 §13.1.5).
 */
export function rangeApplies(head: RequestHead, validators: Validators, now: number): boolean {
  const value = head.field("if-range");
  if (value === undefined) return true;
  if (isEntityTag(value)) return strong(value) && value === validators.etag;
  return parseDate(value, now) === validators.mtimeSeconds;
}

/** Whether If-None-Match names the tag. Clients mostly send back the very one they got: then no string is made (0.5 us of a 304). */
function noneMatchNames(head: RequestHead, etag: string | null): boolean {
  const i = head.noneMatch;
  return (etag !== null && head.fieldIs(i, etag)) || matchesAny(head.fieldValue(i), etag, false);
}

/** Whether a tag of `list` matches; `*` matches any existing representation. Strong comparison needs two strong tags, weak comparison ignores `W/` (RFC 9110 §8.8.3.2). */
function matchesAny(list: string, etag: string | null, strongly: boolean): boolean {
  if (list === "*") return true;
  if (etag === null || (strongly && !strong(etag))) return false;
  const wanted = strongly ? etag : opaque(etag);
  if (list === wanted) return true;
  return entityTags(list).some((tag) => (strongly ? tag : opaque(tag)) === wanted);
}

function strong(etag: string): boolean {
  return !etag.startsWith("W/");
}

function opaque(etag: string): string {
  return strong(etag) ? etag : etag.slice(2);
}

function unmodifiedSinceFails(head: RequestHead, { mtimeSeconds }: Validators, now: number): boolean {
  const value = head.field("if-unmodified-since");
  return value !== undefined && mtimeSeconds !== null && mtimeSeconds > parseDate(value, now);
}

function notModifiedSince(
  head: RequestHead,
  { mtimeSeconds }: Validators,
  policy: ModifiedSincePolicy,
  now: number,
): boolean {
  const value = policy === "off" || mtimeSeconds === null ? undefined : head.field("if-modified-since");
  if (value === undefined || mtimeSeconds === null) return false;
  const since = parseDate(value, now);
  return policy === "exact" ? mtimeSeconds === since : mtimeSeconds <= since;
}
