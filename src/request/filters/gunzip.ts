/** `gunzip`: decompresses replies for clients that do not accept gzip (ngx_http_gunzip_filter_module). */
import type { Settings } from "../../config/model.ts";
import type { Filter } from "../../exchange/filter.ts";
import { addVary, valueIn } from "../../handlers/compression/fields.ts";
import { GunzippedStream, needsGunzip } from "../../handlers/compression/gunzip.ts";
import type { SharedServices } from "../../handlers/services.ts";
import { changeFields, replaceBody } from "./changed-body.ts";

export function gunzipping({ gzipVary }: Settings, services: SharedServices): Filter {
  return (draft, exchange) => {
    if (valueIn(draft.fields, "content-encoding")?.toLowerCase() !== "gzip") return;
    if (gzipVary) addVary(draft.fields);
    if (!needsGunzip(services.compression.accepted(exchange.request), exchange.isSubrequest)) return;
    changeFields(draft, "weak");
    draft.fields = draft.fields.filter(([name]) => name.toLowerCase() !== "content-encoding");
    const wake = () => exchange.resume();
    replaceBody(draft, exchange, services, (source) => new GunzippedStream(source, services.buffers, wake));
  };
}
