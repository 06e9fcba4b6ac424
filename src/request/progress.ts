/** How far a request has come: the location it is in, the phase that is next, and where internal redirects lead it. */
import type { Exchange } from "../exchange/exchange.ts";
import { type Answer, type BodySink, MOVED } from "../exchange/handler.ts";
import { ANSWERED, LATER } from "../exchange/phase.ts";
import type { Field } from "../exchange/reply.ts";
import type { Content } from "../handlers/contents.ts";
import { octets } from "../http/octets.ts";
import { withGroups } from "../routing/router.ts";
import type { Match, Route, Routes } from "./route.ts";

/** nginx's bound on internal redirects. */
const MOST_REDIRECTS = 10;

/** As in nginx, where it is not known whether the location is the request's. */
const undecided: Answer = {
  handle(exchange: Exchange): void {
    exchange.log("alert", `"${exchange.location.pattern}" takes too many steps to match "${exchange.path}"`);
    exchange.fail(500);
  },
};

/** OPTIONS where nobody answers it by himself (RFC 9110 §9.3.7). */
export const options: Answer = {
  handle(exchange: Exchange): void {
    const { route, content } = (exchange as Travelling).progress;
    const fields: Field[] = [["Allow", content?.allow ?? route.allow]];
    for (const { handler } of route.contents) fields.push(...(handler.optionsFields?.(exchange) ?? []));
    exchange.reply(204, fields, null);
  },
};

/** The exchange whose progress it is. */
interface Travelling extends Exchange {
  sink: BodySink | undefined;
  readonly progress: Progress;
  failPlainly(status: number, fields: readonly Field[]): void;
}

enum Pace {
  /** No phase is being asked. */
  Idle,
  Asking,
  /** A phase said that it needs time. */
  Waiting,
  /** It has had its time. */
  Ready,
}

export class Progress {
  router!: Routes;
  route!: Route;
  /** The content that answers, once that is known. */
  content: Content | null = null;
  /** The location with an expression's `alias` in which `retarget` was called. */
  private retargeted: Route | null = null;
  path = "/";
  query = "";
  /** The path the client asked for, decoded; null: it can't be. Internal redirects leave it. */
  requestPath: string | null = null;
  captures: RegExpExecArray | null = null;
  method = "";
  redirects = 0;
  /** The page of an error is being made. */
  inErrorPage = false;
  /** A body is announced, and nobody has been asked yet where it goes. */
  choosing = false;
  /** Who answers, once that is known. */
  private answer: Answer | null = null;
  /** Index of the next phase of the route. */
  private phase = 0;
  private pace = Pace.Idle;

  constructor(private readonly exchange: Travelling) {}

  /** Starts again for another request, outside of any location. */
  begin(router: Routes): void {
    this.enter(router, router.scope);
    this.path = "/";
    this.query = "";
    this.method = "";
    this.redirects = 0;
    this.inErrorPage = this.choosing = false;
    this.content = this.retargeted = null;
    this.pace = Pace.Idle;
  }

  /** Settles on a location, of which no phase has been asked yet. */
  enter(router: Routes, match: Match): void {
    this.router = router;
    this.route = match.route;
    this.phase = 0;
    this.answer = null;
    if (match.captures !== null) this.captures = withGroups(match.captures, this.captures);
    if (match.undecided) this.answerWith(undecided);
  }

  /** Leaves out the phases that are left and the location's own content. */
  answerWith(answer: Answer): void {
    this.answer = answer;
    this.phase = this.route.phases.length;
  }

  redirect(uri: string, query?: string, method = this.method): void {
    const { exchange } = this;
    this.method = method;
    if (++this.redirects > MOST_REDIRECTS) {
      exchange.log("error", `redirection cycle while internally redirecting to "${uri}"`);
      return exchange.failPlainly(500, []);
    }
    const match = uri.startsWith("@") ? this.router.findNamed(uri) : this.moveTo(uri, query);
    if (match === undefined) {
      exchange.log("error", `could not find named location "${uri}"`);
      return exchange.failPlainly(500, []);
    }
    this.enter(this.router, match);
    this.advance();
  }

  /** Goes on in the same location with another path. */
  retarget(path: string): void {
    this.path = path;
    const { alias, aliasPrefix } = this.route.settings;
    if (alias !== null && aliasPrefix === null) this.retargeted = this.route;
  }

  get beneathAlias(): boolean {
    return this.retargeted === this.route;
  }

  private moveTo(uri: string, query: string | undefined): Match {
    const mark = query === undefined ? uri.indexOf("?") : -1;
    this.path = mark < 0 ? uri : uri.slice(0, mark);
    this.query = query ?? (mark < 0 ? "" : octets(uri.slice(mark + 1)));
    return this.router.find(this.path);
  }

  /** A phase that needed time has had it. */
  proceed(): void {
    if (this.pace === Pace.Idle) return;
    const waited = this.pace === Pace.Waiting;
    this.pace = Pace.Ready;
    if (waited) this.exchange.resume();
  }

  /** Whether `advance` is to be called: a phase that needed time has had it. */
  get ready(): boolean {
    return this.pace === Pace.Ready;
  }

  /** Asks the phases that are left, then the content: for the sink of a body that is still to come, else for the reply. */
  advance(): void {
    const { phases } = this.route;
    if (this.phase < phases.length) {
      if (!this.passes(phases)) return;
    } else this.pace = Pace.Idle; // a phase that was waited for may have been the last
    const answer = this.answer ?? this.choose();
    if (answer === null) return;
    if (this.choosing && !this.inErrorPage) this.takeSink(answer);
    else answer.handle(this.exchange);
  }

  /** Asks who answers, and whether the location lets that one answer this method. null: the request is elsewhere by now, or answered. */
  private choose(): Answer | null {
    for (const content of this.route.contents) {
      const { handler } = content;
      const answer = handler.claim === undefined ? handler : handler.claim(this.exchange);
      if (answer === null) continue;
      if (answer === MOVED) return null;
      this.content = content;
      if (!this.inErrorPage && !content.allows(this.method)) return this.refuseMethod(content);
      this.answer = answer;
      return answer;
    }
    throw new Error("no handler has claimed the request");
  }

  private refuseMethod({ allow }: Content): Answer | null {
    if (this.method === "OPTIONS") return (this.answer = options);
    if (this.exchange.request.methodKnown) this.exchange.fail(405, [["Allow", allow]]);
    else this.exchange.fail(501);
    return null;
  }

  /** Whether every phase that is left lets the request go on. */
  private passes(phases: Route["phases"]): boolean {
    while (this.phase < phases.length) {
      this.pace = Pace.Asking;
      const verdict = phases[this.phase++]!(this.exchange);
      if (verdict === ANSWERED) return this.leave(); // it may be in another location by now, and wait there
      if (verdict === LATER && (this.pace as Pace) !== Pace.Ready) {
        this.pace = Pace.Waiting;
        return false;
      }
    }
    this.pace = Pace.Idle;
    return true;
  }

  private leave(): false {
    if (this.pace === Pace.Asking) this.pace = Pace.Idle;
    return false;
  }

  /** Who is asked may fail first: then a page of the error is on its way. */
  private takeSink(answer: Answer): void {
    const { redirects } = this;
    const sink = answer.sink?.(this.exchange);
    if (redirects !== this.redirects) return;
    this.exchange.sink = sink;
    this.choosing = false;
  }
}
