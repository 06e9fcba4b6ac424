/** The validators that a client has been sent, where `add_header` sends others than the file's. */
import type { Exchange } from "../../exchange/exchange.ts";
import { evaluateOctets } from "../../exchange/templates.ts";
import type { Validators } from "../../http/reply/conditional.ts";
import { parseDate } from "../../http/reply/date.ts";

/**
 * What If-Range is compared with. As in nginx, a Last-Modified or ETag of `add_header` counts there, but for no other condition;
 * an empty one takes the file's away.
 */
export function sentValidators(exchange: Exchange, validators: Validators): Validators {
  let { etag, mtimeSeconds } = validators;
  for (const { name, value } of exchange.settings.addHeaders) {
    const lower = name.toLowerCase();
    if (lower === "etag") etag = evaluateOctets(value, exchange) || null;
    else if (lower === "last-modified") {
      mtimeSeconds = parseDate(evaluateOctets(value, exchange), exchange.services.clock.second);
    }
  }
  return { etag, mtimeSeconds };
}
