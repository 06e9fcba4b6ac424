/**
 * The locations and servers that match a request too, and why they do not answer it: for `webserv explain`. Who answers is found by
 * Locations and VirtualHosts; a test holds both against each other.
 */

import type { Location, ServerName, VirtualServer } from "../config/model.ts";
import { octets } from "../http/octets.ts";
import { SureRegex } from "./sure-regex.ts";

/** What matches as well, and why it lost. */
interface Loser<T> {
  readonly of: T;
  readonly why: string;
}

/** `= /a`, `/a`, `~ \.php$`, `@name`; "" for a server's own scope. */
export const shownLocation = ({ modifier, pattern }: Pick<Location, "modifier" | "pattern">): string =>
  modifier === "" || modifier === "@" ? pattern : `${modifier} ${pattern}`;

/** The locations that match `path` beside the winner and those around it, in the order written. */
export function losingLocations(locations: readonly Location[], path: string, winner: Location): Loser<Location>[] {
  const around = locations.find((location) => contains(location, winner));
  const matching = locations.filter((location) => location !== around && matches(location, path));
  if (around === undefined) return matching.map((of) => ({ of, why: "it is not asked" }));
  const losers = matching.map((of) => ({ of, why: whyNot(of, around, matching) }));
  return [...losers, ...losingLocations(around.locations, path, winner)];
}

/** Why this location was found, by its modifier. */
export function whyFound({ modifier }: Location): string {
  if (modifier === "=") return "it is exactly the path";
  if (modifier === "^~") return 'the longest prefix, with "^~"';
  return modifier === "" ? "the longest prefix, and no expression matches" : "the first expression that matches";
}

const contains = (outer: Location, inner: Location): boolean =>
  outer === inner || outer.locations.some((each) => contains(each, inner));

function matches({ modifier, pattern, regex }: Location, path: string): boolean {
  if (modifier === "@") return false;
  if (regex !== null) return new SureRegex(regex).exec(octets(path)) != null;
  return modifier === "=" ? path === pattern : path.startsWith(pattern);
}

/** @param winner the sibling that was found, or that contains what was found */
function whyNot(loser: Location, winner: Location, matching: readonly Location[]): string {
  const name = `"${shownLocation(winner)}"`;
  if (winner.modifier === "=") return `${name} is exactly the path`;
  if (loser.regex !== null) {
    if (winner.regex !== null) return `it stands behind ${name}: the first expression that matches counts`;
    if (winner.modifier === "^~") return `no expression is tried: ${name} has "^~"`;
    return `the locations within ${name} are tried before the expressions beside it`;
  }
  if (winner.regex === null) return `${name} is longer`;
  const longer = matching.find(({ regex, pattern }) => regex === null && pattern.length > loser.pattern.length);
  if (longer === undefined) return `${name} is an expression: those go before prefixes`;
  return `"${shownLocation(longer)}" is longer`;
}

/** nginx's order of the kinds of names. */
const KINDS: readonly ServerName["kind"][] = ["exact", "leading", "trailing", "regex"];
const IN_WORDS: { readonly [kind in ServerName["kind"]]: string } = {
  exact: "an exact name",
  leading: "a wildcard at the start",
  trailing: "a wildcard at the end",
  regex: "an expression",
};

/** A name as in `server_name`. */
export function shownName({ kind, text }: ServerName): string {
  if (kind === "regex") return `~${text}`;
  return kind === "leading" ? `*${text}` : kind === "trailing" ? `${text}*` : text;
}

/** How a server was found for a host; null: no name of it matches, so it is the default server. */
export function nameFound(server: VirtualServer, host: string): ServerName | null {
  const found = server.names.filter((name) => fits(name, host));
  return found.toSorted((a, b) => rank(a) - rank(b))[0] ?? null;
}

/** The other servers of an address with a name that matches. */
export function losingServers(
  servers: readonly VirtualServer[],
  host: string,
  winner: VirtualServer,
): Loser<VirtualServer>[] {
  const won = nameFound(winner, host);
  return servers.flatMap((of) => {
    const name = of === winner ? null : nameFound(of, host);
    return name === null ? [] : [{ of, why: whyNotServer(name, won) }];
  });
}

function whyNotServer(name: ServerName, won: ServerName | null): string {
  if (won === null) return "it is not asked";
  const shown = `"${shownName(won)}"`;
  if (won.kind !== name.kind) return `${shown} is ${IN_WORDS[won.kind]}, which goes before ${IN_WORDS[name.kind]}`;
  if (won.kind === "exact" || won.kind === "regex" || won.text === name.text) return `it stands behind ${shown}`;
  return `${shown} is longer`;
}

/** Kind first, then length: longer wildcards go first. */
const rank = ({ kind, text }: ServerName): number =>
  KINDS.indexOf(kind) * 1000 - (kind === "regex" ? 0 : Math.min(999, text.length));

function fits({ kind, text, regex }: ServerName, host: string): boolean {
  if (kind === "exact") return host === text;
  if (kind === "leading") return host.length > text.length && host.endsWith(text);
  if (kind === "trailing") return host.length > text.length && host.startsWith(text);
  return new SureRegex(regex!).exec(host) != null;
}
