/** The fields of a server's reply that name places: `proxy_redirect` for Location and Refresh, `proxy_cookie_*` for Set-Cookie. */
import type { ProxyOnly } from "../../config/gateway.ts";
import type { Exchange, Templates } from "../../exchange/exchange.ts";
import type { Field } from "../../exchange/reply.ts";
import { locationTo } from "../redirect.ts";
import { Cookies } from "./cookies.ts";
import { Comparison, Replacing } from "./replacing.ts";

export class ReplyFields {
  private readonly redirects: Replacing;
  private readonly cookies: Cookies;

  constructor(settings: ProxyOnly, templates: Templates) {
    this.redirects = new Replacing(settings.redirect, Comparison.Start, templates);
    this.cookies = new Cookies(settings, templates);
  }

  /** The field that the client gets instead. */
  rewritten(exchange: Exchange, field: Field): Field {
    const [name, value] = field;
    switch (name.length) {
      case 8:
        return !this.redirects.isEmpty && /^location$/i.test(name) ? [name, this.location(exchange, value)] : field;
      case 7:
        return !this.redirects.isEmpty && /^refresh$/i.test(name) ? [name, this.refresh(exchange, value)] : field;
      case 10:
        return !this.cookies.isEmpty && /^set-cookie$/i.test(name)
          ? [name, this.cookies.rewritten(exchange, value)]
          : field;
      default:
        return field;
    }
  }

  /** As nginx: a path that a rule has made becomes absolute like this server's own redirects; what no rule matches stays as it is. */
  private location(exchange: Exchange, value: string): string {
    const after = this.redirects.replaced(exchange, value);
    return after === null ? value : after.startsWith("/") ? locationTo(exchange, after) : after;
  }

  /** `5; url=http://...`. */
  private refresh(exchange: Exchange, value: string): string {
    const at = value.toLowerCase().indexOf("url=");
    return at < 0 ? value : (this.redirects.replaced(exchange, value, at + "url=".length) ?? value);
  }
}
