/** A location as the server uses it: its settings, its phases, its handler and the methods it answers. */
import type { Location, Settings, VirtualServer } from "../config/model.ts";
import type { Filter } from "../exchange/filter.ts";
import type { Handler } from "../exchange/handler.ts";
import type { Phase } from "../exchange/phase.ts";
import { handlerFor } from "../handlers/choose.ts";
import { allowedMethods, allowValue } from "../handlers/methods.ts";
import { phasesOf } from "../handlers/phases.ts";
import type { HandlerServices } from "../handlers/services.ts";
import type { RouteMatch } from "../routing/locations.ts";
import { Router } from "../routing/router.ts";
import { filtersOf } from "./filters/filters.ts";

/** A location with what the server needs of it at each request. */
export class Route {
  readonly settings: Settings;
  /** What is asked before the handler is: rewrite, then access. Empty for most locations. */
  readonly phases: readonly Phase[];
  readonly handler: Handler;
  /** What its replies go through. */
  readonly filters: readonly Filter[];
  private readonly methods: readonly string[];
  private readonly takesGet: boolean;
  /** The value of the field Allow. */
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
    this.handler = handlerFor(location, services, server.name);
    this.methods = allowedMethods(location.settings);
    this.allow = allowValue(location.settings);
    this.takesGet = this.methods.includes("GET");
  }

  allows(method: string): boolean {
    return method === "GET" ? this.takesGet : this.methods.includes(method);
  }
}

/** What a path leads to. */
export type Match = RouteMatch<Route>;

/** The routes of a server. */
export type Routes = Router<Route>;

/** Makes the routes of a server. */
export const routesOf = (server: VirtualServer, services: HandlerServices): Routes =>
  new Router(server, (location) => new Route(server, location, services));
