/** `add_before_body` and `add_after_body` (ngx_http_addition_filter_module): other replies around a body. */
import type { Settings } from "../../config/model.ts";
import type { Exchange } from "../../exchange/exchange.ts";
import type { Filter } from "../../exchange/filter.ts";
import { Page } from "../../exchange/page.ts";
import { valueIn } from "../../handlers/compression/fields.ts";
import { Included } from "../../handlers/inclusion/included.ts";
import { Sequence } from "../../handlers/inclusion/sequence.ts";
import type { SharedServices } from "../../handlers/services.ts";
import { charsetIn } from "../../handlers/transform/media-type.ts";
import { changeFields, isOf, replaceBody } from "./changed-body.ts";

const NOTHING = Buffer.alloc(0);

export function addition(settings: Settings, services: SharedServices): Filter {
  const { addBeforeBody, addAfterBody, additionTypes } = settings;
  return (draft, exchange) => {
    if (draft.status !== 200 || exchange.isSubrequest || !isOf(additionTypes, draft)) return;
    changeFields(draft, "weak");
    if (exchange.method !== "HEAD") draft.body ??= NOTHING;
    exchange.page ??= new Page(charsetIn(valueIn(draft.fields, "content-type")!));
    const { page } = exchange;
    const [before, after] = [addBeforeBody, addAfterBody].map((path) => () => started(path, page, exchange, services));
    replaceBody(draft, exchange, services, (source) => new Sequence([before!, source, after!]));
  };
}

function started(path: string, page: Page, exchange: Exchange, services: SharedServices): Included | null {
  if (path === "") return null;
  if (page.include(exchange.depth)) return new Included(exchange, page, services, { path, query: "" }).start();
  exchange.log("error", `subrequests cycle while processing "${path}"`);
  return null;
}
