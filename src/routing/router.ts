/** The routes of one server: its own scope, its locations and its named locations. */
import type { Location, VirtualServer } from "../config/model.ts";
import { Locations, type RouteMatch } from "./locations.ts";

/** The route made from a location: whatever the router's user needs at each request. */
interface Routable {
  readonly location: Location;
}

/** The routes of a server. Where no location matches, the route of the server's own settings is used. */
export class Router<R extends Routable> {
  readonly names: VirtualServer["names"];
  readonly scope: RouteMatch<R>;
  private readonly locations: Locations<R>;
  private readonly named = new Map<string, RouteMatch<R>>();

  /** @param make makes a route from a location; also called for the server's own scope */
  constructor(server: VirtualServer, make: (location: Location) => R) {
    this.names = server.names;
    this.scope = { route: make(server.scope), captures: null };
    this.locations = Locations.of(server.locations, make);
    for (const location of server.locations) {
      if (location.modifier === "@") this.named.set(location.pattern, { route: make(location), captures: null });
    }
  }

  /** The match for a decoded, normalised path. A `return` of the server itself wins over its locations. */
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

/** The latest match with the named groups of the previous one added: the groups of server_name stay variables in a location. */
export function withGroups(latest: RegExpExecArray, before: RegExpExecArray | null): RegExpExecArray {
  if (before?.groups) latest.groups = { ...before.groups, ...latest.groups };
  return latest;
}
