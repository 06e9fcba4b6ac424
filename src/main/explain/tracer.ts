/** Makes the routes of a configuration tell what they decide. They stay the server's own; only who answers without reading files alone is replaced. */
import type { Location } from "../../config/model.ts";
import type { RewriteStep } from "../../config/settings/rewrite.ts";
import type { VariableTable } from "../../config/tables/tables.ts";
import type { Origins } from "../../config/text/origins.ts";
import type { Exchange } from "../../exchange/exchange.ts";
import { type Answer, type Handler, MOVED } from "../../exchange/handler.ts";
import { ANSWERED, GO_ON, LATER, type Phase } from "../../exchange/phase.ts";
import type { TableObserver } from "../../exchange/tables/observer.ts";
import type { Content } from "../../handlers/contents.ts";
import type { StepObserver } from "../../handlers/rewrite/observer.ts";
import { unicode } from "../../http/octets.ts";
import type { Route, Routes } from "../../request/route.ts";
import { losingLocations, shownLocation, whyFound } from "../../routing/candidates.ts";
import { accessReason } from "./access.ts";
import { contentText } from "./contents.ts";
import { Findings, lineOf } from "./findings.ts";
import { shownStep, shownTest } from "./steps.ts";
import { entryText } from "./tables.ts";

/** Contents whose answer depends on files only. Others ask servers, run programs or change something. */
const READS_ONLY: ReadonlySet<string> = new Set(["return", "stub_status", "empty_gif", "try_files", "files"]);

export class Tracer implements StepObserver, TableObserver {
  /** A content that is not asked here has been reached: the request goes no further. */
  reached = false;
  /** The content that is asked now; it may lead elsewhere. */
  private asked: { readonly name: Content["name"]; readonly location: Location } | null = null;

  findings = new Findings();

  constructor(private readonly origins: Origins) {}

  /** Begins with another request. */
  begin(): Findings {
    this.reached = false;
    this.asked = null;
    return (this.findings = new Findings());
  }

  add(...finding: Parameters<Findings["add"]>): void {
    this.findings.add(...finding);
  }

  // Steps of rewrite programs

  tested(step: RewriteStep, exchange: Exchange, holds: boolean | undefined): void {
    const end = holds === undefined ? "cannot be decided" : holds ? "holds" : "does not hold";
    this.findings.add("if", `${shownTest(step, exchange)} ${end}`, this.origins.positionOf(step));
  }

  taken(step: RewriteStep, exchange: Exchange, matched: boolean): void {
    this.findings.add(step.kind, shownStep(step, exchange, matched), this.origins.positionOf(step));
  }

  // Tables

  computed(name: string, table: VariableTable, source: string, value: string): void {
    const { text, at } = entryText(table, this.origins.entriesOf(table), unicode(source));
    this.findings.add(table.kind, `$${name} is "${unicode(value)}"${text}`, at ?? table.position);
  }

  // Routes

  /** @param locations those of the router's server */
  routes(router: Routes, locations: readonly Location[]): void {
    for (const route of router.routes()) this.route(route);
    const find = router.find.bind(router);
    const findNamed = router.findNamed.bind(router);
    Object.assign(router, {
      find: (path: string) => {
        const match = find(path);
        const { location } = match.route;
        if (match.undecided) this.undecided(path, location);
        else if (match.route === router.scope.route) this.inServer(path, location);
        else this.found(path, location, locations);
        return match;
      },
      findNamed: (name: string) => {
        const match = findNamed(name);
        if (match !== undefined) this.findings.add("location", `${name}, by its name`, match.route.location.position);
        return match;
      },
    });
  }

  /** The answer is 500: the expression may be meant to refuse the path. */
  private undecided(path: string, location: Location): void {
    const text = `${shownLocation(location)} for ${path}: it takes too long to find out whether it matches`;
    this.findings.add("location", text, location.position);
  }

  private inServer(path: string, { settings, position }: Location): void {
    const why = settings.return === null ? "no location matches" : "its own return goes before the locations";
    this.findings.add("location", `none for ${path}: the server itself, because ${why}`, position);
  }

  private found(path: string, location: Location, locations: readonly Location[]): void {
    const others = losingLocations(locations, path, location).map(({ of, why }) => ({
      text: shownLocation(of),
      at: lineOf(of.position)!,
      why,
    }));
    this.findings.add(
      "location",
      `${shownLocation(location)} for ${path}: ${whyFound(location)}`,
      location.position,
      others,
    );
  }

  private route(route: Route): void {
    const traced = (phases: readonly Phase[]): Phase[] => phases.map((phase) => this.phase(phase));
    Object.assign(route, {
      phases: traced(route.phases),
      ofSubrequests: traced(route.ofSubrequests),
      contents: route.contents.map((content) => this.content(content)),
    });
  }

  /** The phase of a program tells its steps itself. */
  private phase(phase: Phase): Phase {
    const { name } = phase;
    if (name === "") return phase;
    return (exchange) => {
      const index = this.findings.list.length;
      const verdict = phase(exchange);
      const end =
        verdict === GO_ON ? "goes on" : verdict === ANSWERED ? "answers" : verdict === LATER ? "takes time" : "answers";
      const [at, reason] = this.whyPhase(name, exchange);
      this.findings.insert(index, "phase", `${name}${reason}: ${end}`, at);
      return verdict;
    };
  }

  private whyPhase(name: string, exchange: Exchange) {
    const given = this.origins.given(exchange.location, name.split(", "));
    if (name === "allow, deny") return accessReason(exchange, given);
    const args = given[0]?.args.map(({ text }) => text).join(" ") ?? "";
    return [given[0]?.position ?? null, args === "" ? "" : ` ${args}`] as const;
  }

  // Contents

  /** The content with a handler that tells; everything else is its own. */
  private content(content: Content): Content {
    const handler: Handler = {
      claim: (exchange) => {
        this.asked = { name: content.name, location: exchange.location };
        const answer = content.handler.claim === undefined ? content.handler : content.handler.claim(exchange);
        return answer === null || answer === MOVED ? answer : this.answer(content, answer);
      },
      handle() {},
    };
    return Object.create(content, { handler: { value: handler } }) as Content;
  }

  private answer({ name }: Content, answer: Answer): Answer {
    return {
      handle: (exchange) => {
        const { text, at } = contentText(name, exchange, this.origins);
        this.findings.add("answer", text, at);
        this.asked = { name, location: exchange.location };
        if (READS_ONLY.has(name)) return answer.handle(exchange);
        if (!exchange.isSubrequest) this.reached = true;
        else {
          this.findings.add("answer", "its reply is not known here: 204 is assumed");
          exchange.reply(204, [], null);
        }
      },
    };
  }

  // Ways to other locations

  /** An error, with the page that takes its place. */
  failed(status: number, { location, settings }: Exchange, isPage: boolean): void {
    const page = isPage ? undefined : settings.errorPages.find(({ statuses }) => statuses.includes(status));
    const given = this.origins.given(location, ["error_page"]);
    const directive = page && given.find(({ args }) => args.some(({ text }) => text === String(status)));
    this.asked = null;
    this.findings.add(
      "error",
      `${status}${page === undefined ? "" : `: error_page ${page.uri.text}`}`,
      directive?.position,
    );
  }

  redirected(to: string): void {
    const names = this.asked === null ? [] : this.asked.name === "files" ? ["index"] : [this.asked.name];
    const given = this.asked === null ? undefined : this.origins.given(this.asked.location, names)[0];
    const why = names.length === 0 ? "" : `, by ${names[0]}`;
    this.findings.add("redirect", `inside the server to ${to}${why}`, given?.position);
  }
}
