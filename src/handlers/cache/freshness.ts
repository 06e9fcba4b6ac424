/**
 * Decides whether a reply may be stored and how long it is fresh: RFC 9111 as nginx applies it (ngx_http_upstream.c). Pure.
 * X-Accel-Expires comes before Cache-Control, that before Expires, and all before `proxy_cache_valid`, in whatever order they came.
 */
import type { Field } from "../../exchange/reply.ts";
import { parseDate } from "../../http/reply/date.ts";

/** What a reply's fields say about storing it. Times are seconds since 1970. */
interface Freshness {
  /** Whether the fields allow to store it; if so and `until` is 0, `proxy_cache_valid` decides. */
  readonly storable: boolean;
  /** Fresh up to and with this second; 0: the fields do not say. */
  readonly until: number;
  /** Seconds after `until` in which it may be used while it is updated (stale-while-revalidate), or if that fails (stale-if-error). */
  readonly whileUpdating: number;
  readonly ifError: number;
  /** The fields of the request that choose among variants; "": none. */
  readonly vary: string;
}

/** nginx's NGX_HTTP_CACHE_VARY_LEN: replies with a longer Vary are not stored. */
const LONGEST_VARY = 128;
/** Beyond all dates; larger numbers would not be exact. */
const FOREVER = 2 ** 40;

/** The fields that count, each with all its lines as one value (RFC 9110 §5.3). */
class Collected {
  accelExpires: string | null = null;
  cacheControl: string | null = null;
  expires: string | null = null;
  vary: string | null = null;
  setsCookie = false;

  constructor(fields: readonly Field[], ignored: (name: string) => boolean) {
    for (const [name, value] of fields) {
      const lower = name.toLowerCase();
      if (!ignored(lower)) this.take(lower, value);
    }
  }

  private take(name: string, value: string): void {
    if (name === "x-accel-expires") this.accelExpires ??= value;
    else if (name === "cache-control") this.cacheControl = joined(this.cacheControl, value);
    else if (name === "expires") this.expires ??= value;
    else if (name === "vary") this.vary = joined(this.vary, value);
    else if (name === "set-cookie") this.setsCookie = true;
  }
}

const joined = (before: string | null, value: string): string => (before === null ? value : `${before}, ${value}`);

/**
 * Judges a reply by its fields.
 * @param ignored names in small letters: `proxy_ignore_headers`
 * @param now seconds since 1970
 */
export function freshnessOf(fields: readonly Field[], ignored: ReadonlySet<string>, now: number): Freshness {
  const told = new Collected(fields, (name) => ignored.has(name));
  const vary = told.vary ?? "";
  const forEach = told.setsCookie || vary.length > LONGEST_VARY || namesAll(vary);
  const control = controlOf(told.cacheControl ?? "");
  const until = accelUntil(told.accelExpires, now) ?? controlUntil(control, now) ?? expiresUntil(told.expires, now);
  return {
    storable: !forEach && until !== NEVER && !control.malformed,
    until: until === NEVER ? 0 : Math.min(until, FOREVER),
    whileUpdating: control.whileUpdating,
    ifError: control.ifError,
    vary: vary.trim(),
  };
}

const namesAll = (vary: string): boolean => vary.split(",").some((name) => name.trim() === "*");

/** The reply must not be stored. */
const NEVER = -1;

/** `X-Accel-Expires: SECONDS` or `@SECOND`; 0 forbids storing. Null: not given, or no number. */
function accelUntil(value: string | null, now: number): number | null {
  const match = value === null ? null : /^(@?)(\d+)$/.exec(value.trim());
  if (match === null) return null;
  const seconds = Number(match[2]);
  if (match[1] === "@") return seconds === 0 ? NEVER : seconds;
  return seconds === 0 ? NEVER : now + seconds;
}

interface Control {
  readonly forbids: boolean;
  /** A time that is no number: the reply is not stored. */
  readonly malformed: boolean;
  /** s-maxage, else max-age; -1: neither. */
  readonly age: number;
  readonly whileUpdating: number;
  readonly ifError: number;
}

function controlOf(value: string): Control {
  const directives = directivesOf(value);
  const has = (name: string) => directives.has(name);
  const seconds = (name: string): number => {
    const text = directives.get(name);
    if (text === undefined) return -1;
    return /^"?\d+"?$/.test(text) ? Number(text.replaceAll('"', "")) : Number.NaN;
  };
  const age = has("s-maxage") ? seconds("s-maxage") : seconds("max-age");
  const whileUpdating = seconds("stale-while-revalidate");
  const ifError = has("stale-if-error") ? seconds("stale-if-error") : whileUpdating;
  return {
    forbids: has("no-cache") || has("no-store") || has("private"),
    malformed: [age, whileUpdating, ifError].some(Number.isNaN),
    age,
    whileUpdating: Math.max(0, whileUpdating || 0),
    ifError: Math.max(0, ifError || 0),
  };
}

/** The directives of a Cache-Control with their values; the first of a name counts (RFC 9111 §4.2.1). */
function directivesOf(value: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const [, name, text] of value.matchAll(/([^\s,;="]+)\s*(?:=\s*("[^"]*"|[^\s,;]*))?/g)) {
    const lower = name!.toLowerCase();
    if (!found.has(lower)) found.set(lower, text ?? "");
  }
  return found;
}

/** Null: Cache-Control says nothing about the age. */
function controlUntil({ forbids, age }: Control, now: number): number | null {
  if (forbids || age === 0) return NEVER;
  return age < 0 || Number.isNaN(age) ? null : now + age;
}

/** A date in the past, or no date, forbids storing. */
function expiresUntil(value: string | null, now: number): number {
  if (value === null) return 0;
  const date = parseDate(value, now);
  return Number.isNaN(date) || date < now ? NEVER : date;
}
