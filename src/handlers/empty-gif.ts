/** `empty_gif` (ngx_http_empty_gif_module): a transparent image of one pixel, the same 43 bytes as nginx's. */
import type { Exchange } from "../exchange/exchange.ts";
import type { Handler } from "../exchange/handler.ts";
import type { Field } from "../exchange/reply.ts";
import { evaluate } from "../http/reply/conditional.ts";
import { formatDate } from "../http/reply/date.ts";

const IMAGE = Buffer.from("R0lGODlhAQABAIABAAAAAP///yH5BAEAAAEALAAAAAABAAEAAAICTAEAOw==", "base64");
/** 28 September 1970. */
const MODIFIED = 23_349_600;
const LAST_MODIFIED: Field = ["Last-Modified", formatDate(MODIFIED)];
const FIELDS: readonly Field[] = [["Content-Type", "image/gif"], LAST_MODIFIED];

export class EmptyGifHandler implements Handler {
  handle(exchange: Exchange): void {
    const { request, settings, services } = exchange;
    const validators = { etag: null, mtimeSeconds: MODIFIED };
    const isError = exchange.errorStatus !== 0;
    const status = isError ? 0 : evaluate(request, validators, settings.ifModifiedSince, services.clock.second);
    if (status === 412) return exchange.fail(412);
    exchange.reply(status || 200, status === 304 ? [LAST_MODIFIED] : FIELDS, IMAGE, { modified: MODIFIED });
  }
}
