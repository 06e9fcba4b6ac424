/** `return`: a redirect or a fixed answer, without access to files. */
import type { Settings } from "../config/model.ts";
import type { Return } from "../config/parts.ts";
import type { Exchange } from "../exchange/exchange.ts";
import type { Handler } from "../exchange/handler.ts";
import type { Field } from "../exchange/reply.ts";
import { evaluateOctets } from "../exchange/templates.ts";
import { isBodiless } from "../http/reply/status.ts";
import { Codings } from "./compression/codings.ts";
import { errorPage, errorPageType } from "./error-page.ts";
import { mediaType } from "./files/content-type.ts";
import { KeptReplies } from "./files/kept-replies.ts";
import { type Changes, KeptReply, replyChanges } from "./files/kept-reply.ts";
import { locationTo } from "./redirect.ts";
import type { HandlerServices } from "./services.ts";

const CLOSE_SILENTLY = 444;
/** The statuses whose text is used as Location. */
const REDIRECTS: readonly number[] = [301, 302, 303, 307, 308];

export class ReturnHandler implements Handler {
  private readonly changes: Changes;
  private readonly redirects: boolean;
  /** Whether `error_page` may replace the redirect's built-in page. */
  private readonly hasPage: boolean;
  /** By Content-Type, the only difference between the replies of a `return` without variables. */
  private readonly kept = new Map<string, KeptReplies>();
  private readonly codings: Codings | null;

  constructor(
    private readonly rule: Return,
    private readonly settings: Settings,
    { compression, templates }: Pick<HandlerServices, "compression" | "templates">,
  ) {
    this.codings = Codings.of(settings, compression);
    const varies = rule.text !== null && rule.text.constant === null;
    const isAbsolute = settings.absoluteRedirect; // it contains the request's host
    this.changes = varies || isAbsolute ? "each request" : replyChanges(settings, templates);
    this.redirects = REDIRECTS.includes(rule.status);
    this.hasPage = this.redirects && settings.errorPages.some(({ statuses }) => statuses.includes(rule.status));
  }

  handle(exchange: Exchange): void {
    const { status, text } = this.rule;
    if (status === CLOSE_SILENTLY) return exchange.drop();
    if (text === null && status >= 400) return exchange.fail(status);
    exchange.status = status;
    if (this.hasPage) return exchange.fail(status, this.location(exchange));
    const kept = this.changes !== "each request" && exchange.takesWholeReply ? this.keptReply(exchange) : null;
    if (kept !== null) return kept.send(exchange);
    const type = this.type(exchange);
    exchange.reply(status, this.fields(exchange, type), this.body(exchange));
  }

  /** The kept reply for this request; null: none may be used. */
  private keptReply(exchange: Exchange): KeptReply | null {
    const type = this.type(exchange);
    let replies = this.kept.get(type);
    if (replies === undefined) this.kept.set(type, (replies = this.repliesOf(type)));
    return replies.for(exchange);
  }

  private repliesOf(type: string): KeptReplies {
    const make = (exchange: Exchange) =>
      new KeptReply(exchange, this.rule.status, this.fields(exchange, type), this.body(exchange), this.changes);
    return new KeptReplies(this.codings, make);
  }

  private type(exchange: Exchange): string {
    return this.redirects ? errorPageType(this.settings) : mediaType(this.settings, exchange.path);
  }

  private fields(exchange: Exchange, type: string): Field[] {
    return isBodiless(this.rule.status) ? [] : [["Content-Type", type], ...this.location(exchange)];
  }

  /** The Location field. A redirect without a target has none, because an empty Location would mean the same page. */
  private location(exchange: Exchange): Field[] {
    const { text } = this.rule;
    if (!this.redirects || text === null) return [];
    const written = text.parts[0];
    const start = typeof written === "string" ? written : "";
    return [["Location", locationTo(exchange, evaluateOctets(text, exchange), start)]];
  }

  private body(exchange: Exchange): Buffer | null {
    const { status, text } = this.rule;
    if (this.redirects) return errorPage(status);
    return text === null ? null : Buffer.from(evaluateOctets(text, exchange), "latin1");
  }
}

/** The status of a redirect by `error_page CODE =STATUS URL`: STATUS if it is a redirect's. */
export const redirectStatus = (status: number | null): number =>
  status !== null && REDIRECTS.includes(status) ? status : 302;
