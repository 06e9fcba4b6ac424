/** Whether a variable whose text is empty has a value all the same. nginx logs such a value as nothing, and `-` where there is none. */
import type { Exchange } from "../../exchange/exchange.ts";
import { cookieVariable } from "../../http/cookie.ts";

type Presence = (exchange: Exchange) => boolean;

/** Variables that always have a value. */
const ALWAYS: ReadonlySet<string> = new Set([
  "is_args",
  "https",
  "server_name",
  "request_completion",
  "invalid_referer",
]);

const never: Presence = () => false;

/** By the beginning of the variables' names. */
const FAMILIES: readonly (readonly [prefix: string, of: (rest: string) => Presence])[] = [
  ["arg_", (name) => (exchange) => hasParameter(exchange.query, name)],
  ["cookie_", (name) => (exchange) => cookieVariable(exchange.request, name) !== undefined],
  ["http_", (name) => (exchange) => exchange.request.fieldIndex(name.replaceAll("_", "-")) >= 0],
  ["sent_http_", (name) => (exchange) => hasField(exchange, name.replaceAll("_", "-"))],
];

/** The test for a variable. */
export function presence(name: string): Presence {
  if (ALWAYS.has(name)) return () => true;
  if (name === "content_type") return (exchange) => exchange.request.fieldIndex("content-type") >= 0;
  // A body of no bytes that was read, to be passed on.
  if (name === "request_body") return ({ request, upstream }) => request.contentLength === 0 && upstream !== null;
  if (/^[0-9]+$/.test(name)) return ({ captures }) => captures?.[Number(name)] !== undefined;
  const family = FAMILIES.find(([prefix]) => name.startsWith(prefix));
  if (family !== undefined) return family[1](name.slice(family[0].length).toLowerCase());
  return /^(?:upstream|proxy|ssl)_/.test(name) ? never : hasOwnValue(name);
}

/** Those of `set`, `map` and the like, and named groups. */
const hasOwnValue =
  (name: string): Presence =>
  ({ assigned, captures }) =>
    assigned?.has(name) === true || captures?.groups?.[name] !== undefined;

/** As nginx has it, a parameter without `=` has no value. */
const hasParameter = (query: string, name: string): boolean =>
  query.split("&").some((pair) => pair.toLowerCase().startsWith(`${name}=`));

const hasField = ({ sentFields }: Exchange, name: string): boolean =>
  sentFields.some((field) => field[0].toLowerCase() === name);
