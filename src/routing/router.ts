/** Which location of a server a path belongs to: nginx's algorithm (ngx_http_core_find_location), nested locations included. */
import type { Location, VirtualServer } from "../config/model.ts";
import { SureRegex } from "./sure-regex.ts";

/** What a location is made into: whatever its user needs of it at each request. */
export interface Routable {
  readonly location: Location;
}

/** What a path leads to; `captures` are the groups of the regular expression that decided, if one did. */
export interface RouteMatch<R extends Routable> {
  readonly route: R;
  readonly captures: RegExpExecArray | null;
  /** Nobody knows whether the location's expression matches: it may be meant to refuse the path, and is not passed over. */
  readonly undecided?: true;
}

/** The locations of one level: of a server, or nested in a location. */
class Locations<R extends Routable> {
  private readonly exact = new Map<string, RouteMatch<R>>();
  /** The longest first. */
  private readonly prefixes: {
    readonly pattern: string;
    readonly match: RouteMatch<R>;
    readonly inner: Locations<R>;
  }[] = [];
  private readonly regexes: { readonly regex: SureRegex; readonly route: R; readonly inner: Locations<R> }[] = [];
  private readonly routes: { readonly route: R; readonly inner: Locations<R> }[] = [];

  constructor(locations: readonly Location[], make: (location: Location) => R) {
    for (const location of locations) {
      if (location.modifier !== "@") this.add(make(location), new Locations(location.locations, make));
    }
    this.prefixes.sort((a, b) => b.pattern.length - a.pattern.length);
  }

  *all(): Iterable<R> {
    for (const { route, inner } of this.routes) {
      yield route;
      yield* inner.all();
    }
  }

  private add(route: R, inner: Locations<R>): void {
    this.routes.push({ route, inner });
    const { modifier, pattern, regex } = route.location;
    if (regex !== null) this.regexes.push({ regex: new SureRegex(regex), route, inner });
    else if (modifier === "=") this.exact.set(pattern, { route, captures: null });
    else this.prefixes.push({ pattern, match: { route, captures: null }, inner });
  }

  find(path: string): RouteMatch<R> | null {
    const exact = this.exact.get(path);
    if (exact !== undefined) return exact;
    const prefix = this.longestPrefix(path);
    // A regular expression nested in the prefix is asked before those beside the prefix.
    const nested = prefix === null ? null : prefix.inner.find(path);
    if (nested !== null && endsSearch(nested)) return nested;
    if (prefix?.match.route.location.modifier !== "^~") {
      const regex = this.findRegex(path);
      if (regex !== null) return regex;
    }
    return nested ?? prefix?.match ?? null;
  }

  private longestPrefix(path: string): (typeof this.prefixes)[number] | null {
    for (const prefix of this.prefixes) if (path.startsWith(prefix.pattern)) return prefix;
    return null;
  }

  private findRegex(path: string): RouteMatch<R> | null {
    for (const { regex, route, inner } of this.regexes) {
      const captures = regex.exec(path);
      if (captures === null) continue;
      if (captures === undefined) return { route, captures: null, undecided: true };
      const nested = inner.find(path);
      if (nested?.undecided) return nested;
      return { route: nested?.route ?? route, captures: nested?.captures ?? captures };
    }
    return null;
  }
}

/** Whether expressions beside the location around the match are asked no more. */
const endsSearch = ({ route, captures, undecided }: RouteMatch<Routable>): boolean =>
  captures !== null || undecided === true || route.location.modifier === "=";

/** A server's routes. Where no location matches, the server's own settings answer. */
export class Router<R extends Routable> {
  readonly names: VirtualServer["names"];
  readonly scope: RouteMatch<R>;
  private readonly locations: Locations<R>;
  private readonly named = new Map<string, RouteMatch<R>>();

  /** @param make what each location, the server's own scope included, is made into */
  constructor(server: VirtualServer, make: (location: Location) => R) {
    this.names = server.names;
    this.scope = { route: make(server.scope), captures: null };
    this.locations = new Locations(server.locations, make);
    for (const location of server.locations) {
      if (location.modifier === "@") this.named.set(location.pattern, { route: make(location), captures: null });
    }
  }

  /** The match for a decoded, normalised path. A `return` of the server itself comes before its locations. */
  find(path: string): RouteMatch<R> {
    if (this.scope.route.location.settings.return !== null) return this.scope;
    return this.locations.find(path) ?? this.scope;
  }

  /** The location `@name`, or undefined. */
  findNamed(name: string): RouteMatch<R> | undefined {
    return this.named.get(name);
  }

  /** Every route of the server. */
  *routes(): Iterable<R> {
    yield this.scope.route;
    yield* this.locations.all();
    for (const { route } of this.named.values()) yield route;
  }
}

/** The latest match, which also keeps the named groups of the one before: server_name's are still variables in a location. */
export function withGroups(latest: RegExpExecArray, before: RegExpExecArray | null): RegExpExecArray {
  if (before?.groups) latest.groups = { ...before.groups, ...latest.groups };
  return latest;
}
