/** Which location of a server a path belongs to: nginx's algorithm (ngx_http_core_find_location), nested locations included. */
import type { Location, Settings, VirtualServer } from "../config/model.ts";
import { handlerFor } from "../handlers/choose.ts";
import type { Handler, Services } from "../handlers/handler.ts";
import { allowedMethods, allowValue } from "../handlers/methods.ts";
import { SureRegex } from "./sure-regex.ts";

/** A location with what the server needs of it at each request. */
export class Route {
  readonly settings: Settings;
  readonly handler: Handler;
  private readonly methods: readonly string[];
  private readonly takesGet: boolean;
  /** The value of the field Allow. */
  readonly allow: string;
  readonly inner: Locations;

  constructor(
    readonly server: VirtualServer,
    readonly location: Location,
    services: Services,
  ) {
    this.settings = location.settings;
    this.handler = handlerFor(location, services, server.name);
    this.methods = allowedMethods(location.settings);
    this.allow = allowValue(location.settings);
    this.takesGet = this.methods.includes("GET");
    this.inner = new Locations(server, location.locations, services);
  }

  /** This route and those of its nested locations. */
  *all(): Iterable<Route> {
    yield this;
    yield* this.inner.all();
  }

  allows(method: string): boolean {
    return method === "GET" ? this.takesGet : this.methods.includes(method);
  }
}

/** What a path leads to; `captures` are the groups of the regular expression that decided, if one did. */
export interface RouteMatch {
  readonly route: Route;
  readonly captures: RegExpExecArray | null;
  /** Nobody knows whether the location's expression matches: it may be meant to refuse the path, and is not passed over. */
  readonly undecided?: true;
}

/** The locations of one level: of a server, or nested in a location. */
class Locations {
  private readonly exact = new Map<string, RouteMatch>();
  /** The longest first. */
  private readonly prefixes: { readonly pattern: string; readonly match: RouteMatch }[] = [];
  private readonly regexes: { readonly regex: SureRegex; readonly route: Route }[] = [];
  private readonly routes: Route[] = [];

  constructor(server: VirtualServer, locations: readonly Location[], services: Services) {
    for (const location of locations) {
      if (location.modifier !== "@") this.add(new Route(server, location, services));
    }
    this.prefixes.sort((a, b) => b.pattern.length - a.pattern.length);
  }

  *all(): Iterable<Route> {
    for (const route of this.routes) yield* route.all();
  }

  private add(route: Route): void {
    this.routes.push(route);
    const { modifier, pattern, regex } = route.location;
    if (regex !== null) this.regexes.push({ regex: new SureRegex(regex), route });
    else if (modifier === "=") this.exact.set(pattern, { route, captures: null });
    else this.prefixes.push({ pattern, match: { route, captures: null } });
  }

  find(path: string): RouteMatch | null {
    const exact = this.exact.get(path);
    if (exact !== undefined) return exact;
    const prefix = this.longestPrefix(path);
    // A regular expression nested in the prefix is asked before those beside the prefix.
    const nested = prefix === null ? null : prefix.route.inner.find(path);
    if (nested !== null && endsSearch(nested)) return nested;
    if (prefix?.route.location.modifier !== "^~") {
      const regex = this.findRegex(path);
      if (regex !== null) return regex;
    }
    return nested ?? prefix;
  }

  private longestPrefix(path: string): RouteMatch | null {
    for (const { pattern, match } of this.prefixes) if (path.startsWith(pattern)) return match;
    return null;
  }

  private findRegex(path: string): RouteMatch | null {
    for (const { regex, route } of this.regexes) {
      const captures = regex.exec(path);
      if (captures === null) continue;
      if (captures === undefined) return { route, captures: null, undecided: true };
      const nested = route.inner.find(path);
      if (nested?.undecided) return nested;
      return { route: nested?.route ?? route, captures: nested?.captures ?? captures };
    }
    return null;
  }
}

/** Whether expressions beside the location around the match are asked no more. */
const endsSearch = ({ route, captures, undecided }: RouteMatch): boolean =>
  captures !== null || undecided === true || route.location.modifier === "=";

/** A server's routes. Where no location matches, the server's own settings answer. */
export class Router {
  readonly names: VirtualServer["names"];
  readonly scope: RouteMatch;
  private readonly locations: Locations;
  private readonly named = new Map<string, RouteMatch>();

  constructor(server: VirtualServer, services: Services) {
    this.names = server.names;
    this.scope = { route: new Route(server, server.scope, services), captures: null };
    this.locations = new Locations(server, server.locations, services);
    for (const location of server.locations) {
      if (location.modifier !== "@") continue;
      this.named.set(location.pattern, { route: new Route(server, location, services), captures: null });
    }
  }

  /** The match for a decoded, normalised path. A `return` of the server itself comes before its locations. */
  find(path: string): RouteMatch {
    if (this.scope.route.settings.return !== null) return this.scope;
    return this.locations.find(path) ?? this.scope;
  }

  /** The location `@name`, or undefined. */
  findNamed(name: string): RouteMatch | undefined {
    return this.named.get(name);
  }

  /** Every handler of the server. */
  *handlers(): Iterable<Handler> {
    yield this.scope.route.handler;
    for (const route of this.locations.all()) yield route.handler;
    for (const { route } of this.named.values()) for (const each of route.all()) yield each.handler;
  }
}

/** The latest match, which also keeps the named groups of the one before: server_name's are still variables in a location. */
export function withGroups(latest: RegExpExecArray, before: RegExpExecArray | null): RegExpExecArray {
  if (before?.groups) latest.groups = { ...before.groups, ...latest.groups };
  return latest;
}
