/** A location as the server uses it: its settings, its phases and its handlers. */
import type { Location, Settings, VirtualServer } from "../config/model.ts";
import type { Templates } from "../exchange/exchange.ts";
import type { Filter } from "../exchange/filter.ts";
import type { Phase } from "../exchange/phase.ts";
import { type Content, contentsOf } from "../handlers/contents.ts";
import { phasesOf } from "../handlers/phases.ts";
import { Program } from "../handlers/rewrite/program.ts";
import type { HandlerServices } from "../handlers/services.ts";
import { allowValue } from "../routing/answering.ts";
import type { RouteMatch } from "../routing/locations.ts";
import { Router } from "../routing/router.ts";
import { filtersOf } from "./filters/filters.ts";

/** A location with everything that its requests need, made once from the configuration. */
export class Route {
  readonly settings: Settings;
  /** Run before the contents: rewrite, limits, then access. Empty for most locations. */
  readonly phases: readonly Phase[];
  /** Those that a subrequest has: all but access. */
  readonly ofSubrequests: readonly Phase[];
  /** The first that claims a request answers it. */
  readonly contents: readonly Content[];
  /** Each reply goes through these, in order. */
  readonly filters: readonly Filter[];
  /** Those of its configuration. */
  readonly templates: Templates;
  /** The steps of the location's block; those of a server are done before a location is looked up. null: there are none. */
  readonly program: Program | null;
  /** The routes of the `if` blocks in the location. */
  readonly conditions: readonly Route[];
  /** The value of Allow before it is known which content answers. */
  readonly allow: string;

  /** @param isCondition it is an `if`, entered when the phases of rewrite around it are done */
  constructor(
    readonly server: VirtualServer,
    readonly location: Location,
    services: HandlerServices,
    isCondition = false,
  ) {
    this.settings = location.settings;
    this.templates = services.templates;
    this.program = Program.of(location.settings.rewrite, services);
    const program = location === server.scope ? null : this.program;
    const { rewrite, preaccess, access } = phasesOf(location, services, server.name, program);
    this.ofSubrequests = isCondition ? preaccess : [...rewrite, ...preaccess];
    this.phases = [...this.ofSubrequests, ...access];
    this.filters = filtersOf(location.settings, services);
    this.contents = contentsOf(location, services, server.name);
    this.allow = allowValue(location.settings);
    this.conditions = location.conditions.map((condition) => new Route(server, condition, services, true));
  }
}

/** The result of looking up a path. */
export type Match = RouteMatch<Route>;

/** The routes of a server. */
export type Routes = Router<Route>;

/** Makes the routes of a server. */
export const routesOf = (server: VirtualServer, services: HandlerServices): Routes =>
  new Router(server, (location) => new Route(server, location, services));
