/** The way of a request to its handler: the location it is in, and where redirects inside the server lead it. */
import type { Location, LogLevel, Settings, VirtualServer } from "../config/model.ts";
import type { Exchange } from "../exchange/exchange.ts";
import type { BodySink, Handler } from "../exchange/handler.ts";
import type { Field } from "../exchange/reply.ts";
import { octets } from "../http/octets.ts";
import { withGroups } from "../routing/router.ts";
import type { Match, Route, Routes } from "./route.ts";

/** nginx's bound on internal redirects. */
const MOST_REDIRECTS = 10;

/** As in nginx, where it is not known whether the location is the request's. */
const undecided: Handler = {
  handle(exchange: Exchange): void {
    exchange.log("alert", `"${exchange.location.pattern}" takes too many steps to match "${exchange.path}"`);
    exchange.fail(500);
  },
};

/** The half of an exchange that knows where it is; the other half replies. */
export abstract class Routed {
  router!: Routes;
  route!: Route;
  /** The route's, unless the server answers by itself. */
  handler!: Handler;
  path = "/";
  query = "";
  /** The path the client asked for, decoded; null: it can't be. Internal redirects leave it. */
  requestPath: string | null = null;
  captures: RegExpExecArray | null = null;
  method = "";
  redirects = 0;
  sink: BodySink | undefined = undefined;
  /** The page of an error is being made. */
  protected inErrorPage = false;
  /** The body's sink is being asked for. */
  private choosing = false;

  /** What handlers see. */
  protected abstract readonly self: Exchange;
  abstract log(level: LogLevel, message: string): void;
  abstract fail(status: number, fields: readonly Field[]): void;
  abstract failPlainly(status: number, fields: readonly Field[]): void;

  /** Starts again for another request, outside of any location. */
  protected beginRoute(router: Routes): void {
    this.enter(router, router.scope);
    this.path = "/";
    this.query = "";
    this.method = "";
    this.redirects = 0;
    this.sink = undefined;
    this.inErrorPage = false;
  }

  /** Settles on a location. */
  enter(router: Routes, match: Match): void {
    this.router = router;
    this.route = match.route;
    this.handler = match.undecided ? undecided : match.route.handler;
    if (match.captures !== null) this.captures = withGroups(match.captures, this.captures);
  }

  get server(): VirtualServer {
    return this.route.server;
  }

  get location(): Location {
    return this.route.location;
  }

  get settings(): Settings {
    return this.route.settings;
  }

  locationOf(path: string): { location: Location; undecided: boolean } {
    const match = this.router.find(path);
    return { location: match.route.location, undecided: match.undecided === true };
  }

  redirect(uri: string, query?: string, method = this.method): void {
    this.method = method;
    if (++this.redirects > MOST_REDIRECTS) {
      this.log("error", `redirection cycle while internally redirecting to "${uri}"`);
      return this.failPlainly(500, []);
    }
    const match = uri.startsWith("@") ? this.router.findNamed(uri) : this.moveTo(uri, query);
    if (match === undefined) {
      this.log("error", `could not find named location "${uri}"`);
      return this.failPlainly(500, []);
    }
    this.enter(this.router, match);
    if (!this.inErrorPage && !this.route.allows(this.method)) return this.fail(405, [["Allow", this.route.allow]]);
    if (this.choosing && !this.inErrorPage) this.takeSink();
    else this.handler.handle(this.self);
  }

  /** Asks for the body's sink. Handlers may redirect first: then the one that is to handle the request is asked. */
  chooseSink(): void {
    this.choosing = true;
    try {
      this.takeSink();
    } finally {
      this.choosing = false;
    }
  }

  private takeSink(): void {
    const { redirects } = this;
    const sink = this.handler.sink?.(this.self);
    if (redirects === this.redirects) this.sink = sink; // else the handler it redirected to has given its own
  }

  private moveTo(uri: string, query: string | undefined): Match {
    const mark = query === undefined ? uri.indexOf("?") : -1;
    this.path = mark < 0 ? uri : uri.slice(0, mark);
    this.query = query ?? (mark < 0 ? "" : octets(uri.slice(mark + 1)));
    return this.router.find(this.path);
  }
}
