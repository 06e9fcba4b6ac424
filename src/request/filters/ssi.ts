/** `ssi`: carries out the directives in replies (ngx_http_ssi_filter_module). */
import type { Settings } from "../../config/model.ts";
import type { Filter } from "../../exchange/filter.ts";
import { Page } from "../../exchange/page.ts";
import { valueIn } from "../../handlers/compression/fields.ts";
import type { SharedServices } from "../../handlers/services.ts";
import { SsiStream } from "../../handlers/ssi/stream.ts";
import { charsetIn } from "../../handlers/transform/media-type.ts";
import { changeFields, isEmpty, isOf, replaceBody } from "./changed-body.ts";

export function ssiFilter(settings: Settings, services: SharedServices): Filter {
  const { ssiTypes, ssiLastModified } = settings;
  const rules = {
    valueLength: settings.ssiValueLength,
    silent: settings.ssiSilentErrors,
    outputBufferSize: settings.subrequestOutputBufferSize,
  };
  return (draft, exchange) => {
    if (isEmpty(draft) || !isOf(ssiTypes, draft)) return;
    changeFields(draft, ssiLastModified ? "weak" : "go");
    exchange.page ??= new Page(charsetIn(valueIn(draft.fields, "content-type")!));
    const { page } = exchange;
    replaceBody(draft, exchange, services, (source) => new SsiStream(source, exchange, page, services, rules));
  };
}
