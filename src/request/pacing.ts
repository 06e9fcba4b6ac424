/** The speed of a reply: `limit_rate` and `limit_rate_after`, or what the request itself was given (ngx_http_write_filter). */
import type { Template } from "../config/parts.ts";
import type { Exchange } from "../exchange/exchange.ts";
import type { Pacing } from "../exchange/reply.ts";
import { evaluateOctets } from "../exchange/templates.ts";
import { readSize } from "../http/size.ts";

/** null: there is no limit. The rate is read once, at the first reply; then $limit_rate shows it. */
export function pacingOf(exchange: Exchange): Pacing | null {
  const { limitRate, limitRateAfter } = exchange.settings;
  if (exchange.limitRate < 0) exchange.limitRate = sizeOf(limitRate, exchange);
  const bytes = exchange.limitRate;
  return bytes === 0 ? null : { bytes, after: sizeOf(limitRateAfter, exchange), since: exchange.startedAt };
}

/** As nginx: what is no size is 0, and logged. */
function sizeOf(template: Template | null, exchange: Exchange): number {
  if (template === null) return 0;
  const text = evaluateOctets(template, exchange);
  const size = readSize(text);
  if (size === undefined) exchange.log("error", `invalid size "${text}"`);
  return size ?? 0;
}
