/** The routes of one server: its own scope, its locations and its named locations. */
import type { Location, VirtualServer } from "../config/model.ts";
import { Locations, type RouteMatch } from "./locations.ts";

/** The route made from a location: whatever the router's user needs at each request. */
interface Routable<R> {
  readonly location: Location;
  /** The routes of the `if` blocks in it. */
  readonly conditions: readonly R[];
}

/** The routes of a server. Where no location matches, the route of the server's own settings is used. */
export class Router<R extends Routable<R>> {
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

  /** The routes that a path or a name can lead to. */
  private *located(): Iterable<R> {
    yield this.scope.route;
    yield* this.locations.all();
    for (const { route } of this.named.values()) yield route;
  }

  /** Every route of the server, those of `if` included. */
  *routes(): Iterable<R> {
    yield* this.located();
    for (const { conditions } of this.located()) yield* conditions;
  }
}

/** The latest match with the named groups of the previous one added: the groups of server_name stay variables in a location. */
export function withGroups(latest: RegExpExecArray, before: RegExpExecArray | null): RegExpExecArray {
  if (before?.groups) latest.groups = { ...before.groups, ...latest.groups };
  return latest;
}

/** The named groups of the matches so far, without numbered ones; null: there are none. */
export function onlyNamed(before: RegExpExecArray | null): RegExpExecArray | null {
  if (!before?.groups) return null;
  return Object.assign([""] as [string], { index: 0, input: "", groups: before.groups });
}
