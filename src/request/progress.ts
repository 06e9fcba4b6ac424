/** The progress of a request: its location, its next phase, who answers it, and its internal redirects. */
import type { BodyWatcher, Exchange } from "../exchange/exchange.ts";
import { type Answer, type BodySink, MOVED } from "../exchange/handler.ts";
import { ANSWERED, LATER, type Phase } from "../exchange/phase.ts";
import type { Field } from "../exchange/reply.ts";
import type { Rewriting } from "../exchange/rewriting.ts";
import type { Content } from "../handlers/contents.ts";
import { octets } from "../http/octets.ts";
import { onlyNamed, withGroups } from "../routing/router.ts";
import { tee } from "./body-tee.ts";
import type { Match, Route, Routes } from "./route.ts";

/** nginx's bound on internal redirects. */
const MOST_REDIRECTS = 10;

/** Answers 500 where an expression takes too many steps, so that it is not known whether the location matches; nginx does the same. */
const undecided: Answer = {
  handle(exchange: Exchange): void {
    exchange.log("alert", `"${exchange.location.pattern}" takes too many steps to match "${exchange.path}"`);
    exchange.fail(500);
  },
};

/** Answers OPTIONS where no handler does (RFC 9110 §9.3.7). */
export const options: Answer = {
  handle(exchange: Exchange): void {
    const { route, content } = (exchange as RoutedExchange).progress;
    const fields: Field[] = [["Allow", content?.allow ?? route.allow]];
    for (const { handler } of route.contents) fields.push(...(handler.optionsFields?.(exchange) ?? []));
    exchange.reply(204, fields, null);
  },
};

/** What a subrequest asks for. */
interface SubrequestTarget {
  readonly uri: string;
  readonly query?: string | undefined;
  readonly method: string;
}

/** What the progress of a request needs from its exchange. */
interface RoutedExchange extends Exchange {
  sink: BodySink | undefined;
  /** Sees the body too. */
  readonly bodyWatcher: BodyWatcher | null;
  readonly progress: Progress;
  failPlainly(status: number, fields: readonly Field[]): void;
}

/** What the phases of the request do now. */
enum PhaseState {
  /** No phase is running. */
  Idle,
  /** A phase is being called. */
  Running,
  /** A phase has suspended the request. */
  Waiting,
  /** The phase that suspended the request is done. */
  Ready,
}

export class Progress implements Rewriting {
  router!: Routes;
  route!: Route;
  /** The route that was looked up: `route` may be that of an `if` in it. */
  private found!: Route;
  /** The content that answers, once that is known. */
  content: Content | null = null;
  /** The location with an expression's `alias` in which `retarget` was called. */
  private retargeted: Route | null = null;
  path = "/";
  query = "";
  /** The decoded path that the client asked for; null: malformed. Internal redirects do not change it. */
  requestPath: string | null = null;
  captures: RegExpExecArray | null = null;
  method = "";
  redirects = 0;
  /** The path is no longer the one of the request line: an internal redirect or a `rewrite` has changed it. */
  isRedirected = false;
  hasOtherQuery = false;
  passesWholePath = false;
  /** The path of a subrequest, which has no phases of access (as in nginx); "": it is a client's request. */
  subrequest = "";
  /** An `error_page` is being made. */
  inErrorPage = false;
  /** The request has a body, and its sink is not chosen yet. */
  choosing = false;
  /** The answer that was chosen. */
  private answer: Answer | null = null;
  /** Index of the next phase of the route. */
  private phase = 0;
  private phaseState = PhaseState.Idle;

  constructor(private readonly exchange: RoutedExchange) {}

  /** Starts again for another request, outside of any location. */
  begin(router: Routes): void {
    this.enter(router, router.scope);
    this.path = "/";
    this.query = "";
    this.method = "";
    this.redirects = 0;
    this.inErrorPage = this.choosing = this.isRedirected = this.hasOtherQuery = this.passesWholePath = false;
    this.content = this.retargeted = null;
    this.subrequest = "";
    this.phaseState = PhaseState.Idle;
  }

  /** Turns a request that was just begun into a subrequest, which counts as redirected. */
  beginSubrequest(
    router: Routes,
    { uri, query, method }: SubrequestTarget,
    /** It asks for what this request asks for, with the URI as it was sent; null: for something else. */
    repeated: Rewriting | null,
  ): void {
    this.router = router;
    this.redirects = 1;
    this.method = method;
    this.moveTo(uri, query);
    if (repeated !== null) {
      this.isRedirected = repeated.isRedirected;
      this.hasOtherQuery = repeated.hasOtherQuery;
      this.passesWholePath = repeated.passesWholePath;
    }
    this.subrequest = this.requestPath = this.path;
    this.locate(router);
  }

  private get phases(): readonly Phase[] {
    return this.subrequest === "" ? this.route.phases : this.route.ofSubrequests;
  }

  /** Enters a location, before its first phase. */
  enter(router: Routes, match: Match): void {
    this.router = router;
    this.route = this.found = match.route;
    this.phase = 0;
    this.answer = null;
    if (match.captures !== null) this.matched(match.captures);
    if (match.undecided) this.answerWith(undecided);
  }

  /** Does the server's own steps, then enters the location of the path. */
  locate(router: Routes): void {
    const { program } = router.scope.route;
    if (program !== null) {
      this.enter(router, router.scope);
      const { answer } = program.run(this.exchange);
      if (answer !== null) return this.answerWith(answer);
    }
    this.enter(router, router.find(this.path));
  }

  enterCondition(index: number): void {
    this.route = this.found.conditions[index]!;
    this.phase = 0;
  }

  /** The path has changed in a location: finds that of the new path. */
  lookUpAgain(): boolean {
    if (++this.redirects > MOST_REDIRECTS) {
      this.exchange.log("error", `rewrite or internal redirection cycle while processing "${this.path}"`);
      this.exchange.failPlainly(500, []);
      return false;
    }
    this.enter(this.router, this.router.find(this.path));
    return true;
  }

  /** An expression has matched; null: it has not, so that its numbered groups are those of none. */
  matched(latest: RegExpExecArray | null): void {
    this.captures = latest === null ? onlyNamed(this.captures) : withGroups(latest, this.captures);
    const { assigned } = this.exchange;
    if (assigned === null || !latest?.groups) return;
    for (const name in latest.groups) assigned.delete(name); // of `set` and a group of the same name, the later one counts
  }

  /** Skips the remaining phases and the location's contents: `answer` answers. */
  answerWith(answer: Answer): void {
    this.answer = answer;
    this.phase = this.phases.length;
  }

  redirect(uri: string, query?: string, method = this.method): void {
    const { exchange } = this;
    this.method = method;
    if (++this.redirects > MOST_REDIRECTS) {
      exchange.log("error", `redirection cycle while internally redirecting to "${uri}"`);
      return exchange.failPlainly(500, []);
    }
    if (uri.startsWith("@")) {
      const match = this.router.findNamed(uri);
      if (match === undefined) {
        exchange.log("error", `could not find named location "${uri}"`);
        return exchange.failPlainly(500, []);
      }
      this.enter(this.router, match);
    } else {
      this.moveTo(uri, query);
      this.locate(this.router);
    }
    this.advance();
  }

  /** Continues in the same location with another path. */
  retarget(path: string): void {
    this.path = path;
    const { alias, aliasPrefix } = this.route.settings;
    if (alias !== null && aliasPrefix === null) this.retargeted = this.route;
  }

  get beneathAlias(): boolean {
    return this.retargeted === this.route;
  }

  private moveTo(uri: string, query: string | undefined): void {
    this.isRedirected = this.hasOtherQuery = true;
    this.passesWholePath = false;
    const mark = query === undefined ? uri.indexOf("?") : -1;
    this.path = mark < 0 ? uri : uri.slice(0, mark);
    this.query = query ?? (mark < 0 ? "" : octets(uri.slice(mark + 1)));
  }

  /** The phase that suspended the request is done. */
  proceed(): void {
    if (this.phaseState === PhaseState.Idle) return;
    const waited = this.phaseState === PhaseState.Waiting;
    this.phaseState = PhaseState.Ready;
    if (waited) this.exchange.resume();
  }

  /** Whether a suspended request can continue: `advance` is to be called. */
  get ready(): boolean {
    return this.phaseState === PhaseState.Ready;
  }

  /** Runs the remaining phases, then asks the content: for a sink if a body is to come, else for the reply. */
  advance(): void {
    if (this.phase < this.phases.length) {
      if (!this.passes()) return;
    } else this.phaseState = PhaseState.Idle; // the phase that suspended the request was the last one
    const answer = this.answer ?? this.choose();
    if (answer === null) return;
    if (this.choosing && !this.inErrorPage) this.takeSink(answer);
    else answer.handle(this.exchange);
  }

  /** Finds the content that answers, and checks that it allows the method. null: the request was redirected or answered. */
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
    const { nginxReplies } = this.route.settings;
    if (this.method === "OPTIONS" && !nginxReplies) return (this.answer = options);
    if (this.exchange.request.methodKnown || nginxReplies) this.exchange.fail(405, [["Allow", allow]]);
    else this.exchange.fail(501);
    return null;
  }

  /** Runs the remaining phases, which may lead to other routes. True if all of them let the request go on. */
  private passes(): boolean {
    while (this.phase < this.phases.length) {
      this.phaseState = PhaseState.Running;
      const verdict = this.phases[this.phase++]!(this.exchange);
      if (typeof verdict === "object") this.answerWith(verdict);
      else if (verdict === ANSWERED)
        return this.leave(); // it may have been redirected, and be suspended there
      else if (verdict === LATER && (this.phaseState as PhaseState) !== PhaseState.Ready) {
        this.phaseState = PhaseState.Waiting;
        return false;
      }
    }
    this.phaseState = PhaseState.Idle;
    return true;
  }

  private leave(): false {
    if (this.phaseState === PhaseState.Running) this.phaseState = PhaseState.Idle;
    return false;
  }

  /** Asks `answer` for the sink of the body. It may call `fail` instead: then an error page is being made. */
  private takeSink(answer: Answer): void {
    const { redirects } = this;
    const sink = answer.sink?.(this.exchange);
    if (redirects !== this.redirects) return;
    const { bodyWatcher } = this.exchange;
    this.exchange.sink = bodyWatcher === null ? sink : tee(sink, bodyWatcher);
    this.choosing = false;
  }
}
