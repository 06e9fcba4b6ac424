/**
 * Replies with what another server has sent: decides which of its fields the client gets, and does what its X-Accel-* fields say
 * (nginx: ngx_http_upstream_process_headers). Made once per location.
 */
import type { Family, FamilySettings } from "../../../config/gateway.ts";
import type { Exchange } from "../../../exchange/exchange.ts";
import type { Field, ReplyOptions } from "../../../exchange/reply.ts";
import { putField } from "../../../http/reply/response.ts";
import { valueIn } from "../../compression/fields.ts";
import { bodyChanges } from "../../transform/changes.ts";
import { withCharset } from "../../transform/charset.ts";
import type { RelayedBody } from "../reply-head.ts";
import type { UpstreamHead } from "../watcher.ts";
import { buffering, obeyed, redirectTo } from "./accel.ts";
import { replyWithRange } from "./part.ts";
import { storeOf } from "./store.ts";

/** Changes a field before the client gets it: proxy_redirect, proxy_cookie_path. */
type Rewriting = (exchange: Exchange, field: Field) => Field;

/** About the connection to the server, or about the framing there (RFC 9110 §7.6.1). The client's connection has its own. */
export const OF_CONNECTION: readonly string[] = [
  "connection",
  "content-length",
  "keep-alive",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
];

/** What their values become depends on the request. */
const REWRITTEN: ReadonlySet<string> = new Set(["location", "refresh", "set-cookie"]);

const ACCEL = ["x-accel-expires", "x-accel-redirect", "x-accel-limit-rate", "x-accel-buffering", "x-accel-charset"];

/** What nginx hides unless `*_pass_header` says otherwise. A Server or Date that is not hidden stands in place of the server's own. */
const HIDDEN: Readonly<Record<Family, readonly string[]>> = {
  proxy: ["date", "server", "x-pad", ...ACCEL],
  fastcgi: ["status", ...ACCEL],
  uwsgi: ACCEL,
  scgi: ["status", ...ACCEL],
};

export class UpstreamReplies {
  private readonly hidden: ReadonlySet<string>;
  private readonly ignored: ReadonlySet<string>;
  /** The fields of the latest reply whose fields do not depend on the request, and what of them was passed. */
  private latest: { readonly from: readonly Field[]; readonly passed: Field[] } | null = null;

  constructor(
    family: Family,
    private readonly settings: FamilySettings,
    private readonly rewriting: Rewriting | null = null,
  ) {
    const { hideHeaders, passHeaders, ignoreHeaders } = settings;
    const hidden = [...HIDDEN[family], ...hideHeaders].filter((name) => !passHeaders.includes(name));
    this.hidden = new Set([...hidden, ...OF_CONNECTION]);
    this.ignored = new Set(ignoreHeaders);
  }

  /** Replies, or redirects the request, or answers with an error page. Then the body is closed. */
  reply(exchange: Exchange, head: UpstreamHead, body: RelayedBody): void {
    if (exchange.upstream !== null) exchange.upstream.reply = head.fields;
    const seen = body.hook?.onHead(exchange, head) ?? null;
    if (typeof seen === "function") {
      body.close();
      return seen();
    }
    if (seen !== null) body.watch(seen);
    if (this.intercepts(exchange, head, body)) return;
    const target = obeyed(head.fields, "x-accel-redirect", this.ignored);
    if (target !== undefined) {
      body.close();
      return redirectTo(exchange, target, this.rewritten(exchange, head.fields));
    }
    const store = seen === null ? storeOf(exchange, head, this.settings, body.services) : null;
    if (store !== null) body.watch(store);
    this.obey(exchange, head, body);
    this.send(exchange, head, this.fieldsOf(exchange, head), body);
  }

  /** The fields that the client gets of a reply. The same `head.fields` (ResponseParser finds them again) are not filtered again. */
  fieldsOf(exchange: Exchange, head: UpstreamHead): Field[] {
    const { latest } = this;
    if (latest !== null && latest.from === head.fields) return latest.passed.slice();
    const passed = this.passed(exchange, head, "");
    const isFixed = !passed.some(([name]) => REWRITTEN.has(name.toLowerCase()));
    if (isFixed) this.latest = { from: head.fields, passed: passed.slice() };
    return passed;
  }

  /** The fields of a 101, with the one that tells the client to what the server has switched. */
  ofUpgrade(exchange: Exchange, head: UpstreamHead): Field[] {
    return this.passed(exchange, head, "upgrade");
  }

  /** `*_intercept_errors`: an `error_page` answers instead. */
  private intercepts(exchange: Exchange, { status, fields }: UpstreamHead, body: RelayedBody): boolean {
    const { interceptErrors } = this.settings;
    if (status < 300 || !interceptErrors) return false;
    if (!exchange.settings.errorPages.some(({ statuses }) => statuses.includes(status))) return false;
    body.close();
    const challenges = status === 401 ? fields.filter(([name]) => name.toLowerCase() === "www-authenticate") : [];
    exchange.fail(status, challenges);
    return true;
  }

  private obey(exchange: Exchange, head: UpstreamHead, body: RelayedBody): void {
    const buffers = buffering(head.fields, this.ignored);
    if (buffers !== null) body.buffers(buffers);
    const rate = obeyed(head.fields, "x-accel-limit-rate", this.ignored);
    if (rate !== undefined && /^\d{1,15}$/.test(rate)) exchange.limitRate = Number(rate);
  }

  /** The fields that the client gets. @param besides the name of one of the connection that it gets too */
  private passed(exchange: Exchange, head: UpstreamHead, besides: string): Field[] {
    const charset = this.charsetOf(head);
    const passed: Field[] = [];
    for (const field of head.fields) {
      const lower = field[0].toLowerCase();
      if (lower !== besides && this.hidden.has(lower)) continue;
      if (lower === "accept-ranges" && this.settings.forceRanges) continue;
      const [name, value] = this.rewriting === null ? field : this.rewriting(exchange, field);
      putField(passed, name, charset !== "" && lower === "content-type" ? typeWith(value, charset) : value);
    }
    return passed;
  }

  /** The charset that the server asks for (X-Accel-Charset); "": it does not. */
  private charsetOf({ fields }: UpstreamHead): string {
    return obeyed(fields, "x-accel-charset", this.ignored) ?? "";
  }

  private rewritten(exchange: Exchange, fields: readonly Field[]): readonly Field[] {
    const { rewriting } = this;
    return rewriting === null ? fields : fields.map((field) => rewriting(exchange, field));
  }

  /** A short reply that is complete is sent as bytes, which costs less to compress. */
  private sendAll(
    exchange: Exchange,
    { status, contentLength }: UpstreamHead,
    fields: Field[],
    body: RelayedBody,
    options: ReplyOptions,
  ): void {
    const whole = contentLength > 0 ? body.whole() : null;
    if (whole === null) return exchange.reply(status, fields, body, options);
    body.close();
    exchange.reply(status, fields, whole, options);
  }

  private send(exchange: Exchange, head: UpstreamHead, fields: Field[], body: RelayedBody): void {
    const { status, contentLength, hasBody } = head;
    const options = this.charsetOf(head) === "" ? FROM_UPSTREAM : { ...FROM_UPSTREAM, charsetChosen: true };
    const isWhole = status === 200 && contentLength >= 0 && exchange.settings.maxRanges > 0;
    const hasRanges = this.settings.forceRanges && isWhole && !changesBody(exchange, fields);
    if (!hasBody) {
      if (hasRanges) fields.push(["Accept-Ranges", "bytes"]);
      body.close();
      return exchange.reply(status, fields, null, { ...options, length: contentLength });
    }
    if (hasRanges) replyWithRange(exchange, fields, body, contentLength);
    else this.sendAll(exchange, head, fields, body, options);
  }
}

const FROM_UPSTREAM: ReplyOptions = { fromUpstream: true };

/** A changed body has no ranges. */
const changesBody = ({ settings }: Exchange, fields: readonly Field[]): boolean =>
  bodyChanges(settings)?.(valueIn(fields, "content-type") ?? "") === true;

/** A media type with the charset that the server asks for (`off`: as it is). */
const typeWith = (type: string, asked: string): string => (asked === "off" ? type : withCharset(type, asked));
