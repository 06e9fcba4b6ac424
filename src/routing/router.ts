/** The routes of one server: its own scope, its locations and its named locations. */
import type { Location, VirtualServer } from "../config/model.ts";
import { Locations, type RouteMatch } from "./locations.ts";

/** What a location is made into: whatever its user needs of it at each request. */
interface Routable {
  readonly location: Location;
}

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
    this.locations = Locations.of(server.locations, make);
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
