/** A location as the server uses it: its settings, its phases and its handlers. */
import type { Location, Settings, VirtualServer } from "../config/model.ts";
import type { Filter } from "../exchange/filter.ts";
import type { Phase } from "../exchange/phase.ts";
import { type Content, contentsOf } from "../handlers/contents.ts";
import { phasesOf } from "../handlers/phases.ts";
import type { HandlerServices } from "../handlers/services.ts";
import { allowValue } from "../routing/answering.ts";
import type { RouteMatch } from "../routing/locations.ts";
import { Router } from "../routing/router.ts";
import { filtersOf } from "./filters/filters.ts";

/** A location with what the server needs of it at each request. */
export class Route {
  readonly settings: Settings;
  /** What is asked before the contents are: rewrite, then access. Empty for most locations. */
  readonly phases: readonly Phase[];
  /** Of these, the first that claims the request answers it. */
  readonly contents: readonly Content[];
  /** What its replies go through. */
  readonly filters: readonly Filter[];
  /** The value of Allow where nobody has been asked who answers. */
  readonly allow: string;

  constructor(
    readonly server: VirtualServer,
    readonly location: Location,
    services: HandlerServices,
  ) {
    this.settings = location.settings;
    const { rewrite, access } = phasesOf(location, services, server.name);
    this.phases = [...rewrite, ...access];
    this.filters = filtersOf(location.settings, services);
    this.contents = contentsOf(location, services, server.name);
    this.allow = allowValue(location.settings);
  }
}

/** What a path leads to. */
export type Match = RouteMatch<Route>;

/** The routes of a server. */
export type Routes = Router<Route>;

/** Makes the routes of a server. */
export const routesOf = (server: VirtualServer, services: HandlerServices): Routes =>
  new Router(server, (location) => new Route(server, location, services));
