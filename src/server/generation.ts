/**
 * A generation: one immutable Config and everything made from it. It is current until a reload makes the next one. Then it
 * drains: requests in progress finish in it, and it ends with the last of them.
 */
import type { TlsContext } from "../../ffi/openssl/context.ts";
import type { Config, VirtualServer } from "../config/model.ts";
import type { EndpointOwner } from "../connection/endpoint.ts";
import { Evaluators } from "../exchange/evaluators.ts";
import type { Handler } from "../exchange/handler.ts";
import type { HandlerServices, SharedServices } from "../handlers/services.ts";
import type { SessionUse } from "../handlers/session/registry.ts";
import type { GenerationGroups } from "../handlers/upstream/upstreams.ts";
import { type Route, type Routes, routesOf } from "../request/route.ts";
import type { Tls } from "./tls.ts";

export class Generation implements EndpointOwner {
  /** The certificates and rules of servers with TLS. */
  private readonly contexts: ReadonlyMap<VirtualServer, TlsContext>;
  /** The groups of servers that its locations pass requests to. */
  readonly upstreams: GenerationGroups;
  private readonly routers = new Map<VirtualServer, Routes>();
  /** Number of users: the server (while current), requests, and listeners and connections that the next generation does not have. */
  private users = 1;

  /**
   * Makes the routes and handlers of a configuration; opens nothing yet.
   * @param ended called when the last user has released it
   */
  constructor(
    readonly config: Config,
    services: SharedServices,
    tls: Pick<Tls, "make">,
    private readonly ended: (generation: Generation) => void,
  ) {
    this.contexts = tls.make(config);
    this.upstreams = services.upstreams.make(config.upstreams); // before the handlers, which look their group up
    const { tables, assigned, usedVariables } = config;
    const own = withTemplates(services, new Evaluators(tables, assigned, usedVariables, services.observer));
    for (const server of config.servers) this.routers.set(server, routesOf(server, own));
  }

  routes(server: VirtualServer): Routes {
    return this.routers.get(server)!;
  }

  contextOf(server: VirtualServer): TlsContext | undefined {
    return this.contexts.get(server);
  }

  /** Connections keep their contexts; no other begins. */
  closeTls(): void {
    for (const context of this.contexts.values()) context.release();
  }

  /** Every handler of every location. */
  *handlers(): Iterable<Handler> {
    for (const { contents } of this.allRoutes()) for (const { handler } of contents) yield handler;
  }

  /** The route of every location. */
  *allRoutes(): Iterable<Route> {
    for (const router of this.routers.values()) yield* router.routes();
  }

  /** The session stores that its locations use. */
  *sessionUses(): Iterable<SessionUse> {
    for (const [{ name }, router] of this.routers) {
      for (const { settings } of router.routes()) {
        if (settings.session || settings.sessionApi) yield { serverName: name, settings };
      }
    }
  }

  retain(): void {
    this.users++;
  }

  release(): void {
    if (--this.users === 0) this.ended(this);
  }
}

/** The services of the server as the handlers of one generation see them. */
const withTemplates = (services: SharedServices, templates: Evaluators): HandlerServices =>
  Object.create(services, { templates: { value: templates } }) as HandlerServices;
