/** `return`: a redirect or a fixed answer, without looking at any file. */
import type { Settings } from "../config/model.ts";
import type { Return } from "../config/parts.ts";
import type { Exchange } from "../exchange/exchange.ts";
import type { Handler } from "../exchange/handler.ts";
import type { Field } from "../exchange/reply.ts";
import { evaluateOctets } from "../exchange/templates.ts";
import { isBodiless } from "../http/reply/status.ts";
import { ERROR_PAGE_TYPE, errorPage } from "./error-page.ts";
import { mediaType } from "./files/content-type.ts";
import { type Changes, headChanges, KeptReply } from "./files/kept-reply.ts";
import { locationTo } from "./redirect.ts";

const CLOSE_SILENTLY = 444;
/** The statuses whose text is a Location. */
const REDIRECTS: readonly number[] = [301, 302, 303, 307, 308];

export class ReturnHandler implements Handler {
  private readonly changes: Changes;
  private readonly redirects: boolean;
  /** `error_page` may have something else to show than the redirect's own page. */
  private readonly hasPage: boolean;
  /** By Content-Type, the one thing in which the replies of one `return` without variables differ. */
  private readonly kept = new Map<string, KeptReply>();

  constructor(
    private readonly rule: Return,
    private readonly settings: Settings,
  ) {
    const varies = rule.text !== null && rule.text.constant === null;
    const isAbsolute = settings.absoluteRedirect; // its host is the request's
    this.changes = varies || isAbsolute ? "each request" : headChanges(settings);
    this.redirects = REDIRECTS.includes(rule.status);
    this.hasPage = this.redirects && settings.errorPages.some(({ statuses }) => statuses.includes(rule.status));
  }

  handle(exchange: Exchange): void {
    const { status, text } = this.rule;
    if (status === CLOSE_SILENTLY) return exchange.drop();
    if (text === null && status >= 400) return exchange.fail(status);
    if (this.hasPage) return exchange.fail(status, this.location(exchange));
    if (this.changes !== "each request" && exchange.takesWholeReply) return this.keptReply(exchange).send(exchange);
    const type = this.type(exchange);
    exchange.reply(status, this.fields(exchange, type), this.body(exchange));
  }

  private keptReply(exchange: Exchange): KeptReply {
    const type = this.type(exchange);
    let reply = this.kept.get(type);
    if (reply === undefined) {
      const { status } = this.rule;
      reply = new KeptReply(exchange, status, this.fields(exchange, type), this.body(exchange), this.changes);
      this.kept.set(type, reply);
    }
    return reply;
  }

  private type(exchange: Exchange): string {
    return this.redirects ? ERROR_PAGE_TYPE : mediaType(this.settings, exchange.path);
  }

  private fields(exchange: Exchange, type: string): Field[] {
    return isBodiless(this.rule.status) ? [] : [["Content-Type", type], ...this.location(exchange)];
  }

  /** A redirect that names no target leads nowhere: an empty Location would be the page itself again. */
  private location(exchange: Exchange): Field[] {
    const { text } = this.rule;
    return this.redirects && text !== null ? [["Location", locationTo(exchange, evaluateOctets(text, exchange))]] : [];
  }

  private body(exchange: Exchange): Buffer | null {
    const { status, text } = this.rule;
    if (this.redirects) return errorPage(status);
    return text === null ? null : Buffer.from(evaluateOctets(text, exchange), "latin1");
  }
}

/** `error_page CODE =STATUS URL`: a redirect with that status if it is one of a redirect. */
export const redirectStatus = (status: number | null): number =>
  status !== null && REDIRECTS.includes(status) ? status : 302;
