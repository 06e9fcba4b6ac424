/**
 * nginx's variables. The tables beside this file have a row for each: the name, how long a value may be cached, a phrase for the
 * reference, and the value for a request as octets (see http/octets.ts). Octets from the client so reach logs, fields and bodies
 * unchanged; only paths are decoded as text. The configuration gets these rows (see config/variables.ts): a new variable is a row there.
 */
import type { Evaluator, Lifetime } from "../exchange.ts";
import { REFERER } from "../tables/referer.ts";
import { CONNECTION } from "./connection.ts";
import { FILES } from "./files.ts";
import { LIMITS } from "./limits.ts";
import { REPLY } from "./reply.ts";
import { REQUEST } from "./request.ts";
import type { Row } from "./row.ts";
import { SECURE_LINK } from "./secure-link.ts";
import { TIME } from "./time.ts";
import { TLS } from "./tls.ts";
import { UPSTREAM } from "./upstream.ts";
import { USER_IDS } from "./user-ids.ts";

const order = (a: Row, b: Row): number => Number(a.isFamily) - Number(b.isFamily) || (a.name < b.name ? -1 : 1);

/** All variables that a configuration may use, except groups of its own regular expressions: by name, families last. */
export const VARIABLES: readonly Row[] = [
  CONNECTION,
  FILES,
  LIMITS,
  REFERER,
  REPLY,
  REQUEST,
  SECURE_LINK,
  TIME,
  TLS,
  UPSTREAM,
  USER_IDS,
]
  .flat()
  .toSorted(order);

const byName = new Map(VARIABLES.filter(({ isFamily }) => !isFamily).map((one) => [one.name, one]));
const families = VARIABLES.filter(({ isFamily }) => isFamily);

/** The row of a variable, and the part of its name after a family's prefix; undefined: at most a group of a regular expression. */
function find(name: string): { row: Row; rest: string } | undefined {
  const row = byName.get(name);
  if (row !== undefined) return { row, rest: "" };
  const one = families.find((other) => name.startsWith(other.name));
  return one && { row: one, rest: name.slice(one.name.length).toLowerCase() };
}

/** The evaluator of a variable by its name without `$`. Other names are taken as assigned ones, or groups of the last regular expression that matched. */
export function variable(name: string): Evaluator {
  const found = find(name);
  if (found !== undefined) return found.row.of(found.rest);
  if (/^[0-9]+$/.test(name)) return (exchange) => exchange.captures?.[Number(name)] ?? "";
  return (exchange) => exchange.assigned?.get(name) ?? exchange.captures?.groups?.[name] ?? "";
}

/** Whether the server itself provides a variable. */
export const isKnown = (name: string): boolean => find(name) !== undefined;

/** A variable that no `set` has reached in this request: empty, and told of once. */
export const uninitialized =
  (name: string): Evaluator =>
  (exchange) => {
    if (exchange.settings.uninitializedVariableWarn) exchange.log("warn", `using uninitialized "${name}" variable`);
    (exchange.assigned ??= new Map()).set(name, "");
    return "";
  };

/** How long a value of the variable may be cached. */
export const lifetimeOf = (name: string): Lifetime => find(name)?.row.lifetime ?? "change";
