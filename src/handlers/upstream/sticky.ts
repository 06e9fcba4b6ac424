/** `sticky cookie`: a cookie names the server that answered, and later requests with it go there (ngx_http_upstream_sticky_module.c). */
import type { StickyCookie } from "../../config/gateway.ts";
import type { Template } from "../../config/parts.ts";
import type { Exchange } from "../../exchange/exchange.ts";
import { evaluateOctets } from "../../exchange/templates.ts";
import { cookieValue } from "../../http/cookie.ts";
import { formatDate } from "../../http/reply/date.ts";
import type { Peer } from "./peer.ts";

/** `expires=max`: the last date that 32 bits hold, and ten years. */
const MAX_EXPIRES = "; expires=Thu, 31-Dec-37 23:55:55 GMT; max-age=315360000";
const SAME_SITE = /^(strict|lax|none)$/i;

export class Sticky {
  private readonly byId = new Map<string, Peer>();

  constructor(
    private readonly settings: StickyCookie,
    peers: readonly Peer[],
  ) {
    for (const peer of peers) this.byId.set(idOf(peer), peer);
  }

  /** The peer that the request's cookie names; null: none, or one that is no longer there. */
  named(exchange: Exchange): Peer | null {
    const id = cookieValue(exchange.request, this.settings.name, (value) => this.byId.has(value));
    return id === undefined ? null : this.byId.get(id)!;
  }

  /** The field Set-Cookie for a reply of `peer`. */
  field(peer: Peer, exchange: Exchange): string {
    const { name, httponly, secure } = this.settings;
    let text = `${name}=${idOf(peer)}${this.lifetime(exchange.services.clock.second)}`;
    text += this.attribute("domain", this.settings.domain, exchange);
    if (httponly) text += "; httponly";
    if (secure) text += "; secure";
    text += this.sameSite(exchange);
    return text + this.attribute("path", this.settings.path, exchange);
  }

  private lifetime(second: number): string {
    const { expires } = this.settings;
    if (expires === null) return "";
    if (expires === "max") return MAX_EXPIRES;
    const seconds = Math.floor(expires / 1000);
    return `; expires=${formatDate(second + seconds)}; max-age=${seconds}`;
  }

  private attribute(name: string, value: Template | null, exchange: Exchange): string {
    const text = value === null ? "" : evaluateOctets(value, exchange);
    return text === "" ? "" : `; ${name}=${text}`;
  }

  /** As nginx: what is none of the three values becomes the strictest. */
  private sameSite(exchange: Exchange): string {
    const { samesite } = this.settings;
    const text = samesite === null ? "" : evaluateOctets(samesite, exchange);
    if (text === "") return "";
    return `; samesite=${SAME_SITE.test(text) ? text : "strict"}`;
  }
}

const idOf = (peer: Peer): string => Bun.MD5.hash(peer.name, "hex");
