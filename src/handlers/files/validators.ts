/** The validators that were sent to the client, if `add_header` replaces the file's. */
import type { Exchange } from "../../exchange/exchange.ts";
import { evaluateOctets } from "../../exchange/templates.ts";
import type { Validators } from "../../http/reply/conditional.ts";
import { parseDate } from "../../http/reply/date.ts";

/**
 * The validators for If-Range. As in nginx, a Last-Modified or ETag from `add_header` replaces the file's there, but not for other
 * conditions; an empty value removes it.
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
