/** `charset`, `source_charset` and `override_charset`: names the charset of texts, and converts them (ngx_http_charset_filter_module). */
import type { Settings } from "../../config/model.ts";
import type { Filter, ReplyDraft } from "../../exchange/filter.ts";
import { valueIn } from "../../handlers/compression/fields.ts";
import { sourceOf } from "../../handlers/compression/sources.ts";
import type { SharedServices } from "../../handlers/services.ts";
import { type Charsets, charsetsFor, withCharset } from "../../handlers/transform/charset.ts";
import { recoder } from "../../handlers/transform/recode.ts";
import { recodingBetween } from "../../http/charset/recoding.ts";
import { putField } from "../../http/reply/response.ts";
import { changeFields, transform, transformed } from "./changed-body.ts";

export function charsetFilter(settings: Settings, services: SharedServices): Filter {
  return (draft, exchange) => {
    // An included reply is converted where it is included; one that X-Accel-Charset is about has what that says.
    if (exchange.isSubrequest || draft.options?.charsetChosen === true) return;
    const type = valueIn(draft.fields, "content-type");
    const charsets = type === undefined ? null : charsetsFor(settings, exchange, type);
    if (charsets === null) return;
    if (!needsConversion(charsets)) return name(draft, type!, charsets.to);
    if (valueIn(draft.fields, "content-encoding") !== undefined) return;
    const recoding = recodingBetween(charsets.from!.toLowerCase(), charsets.to.toLowerCase(), settings.charsetMaps);
    if (recoding === null) {
      return exchange.log("error", `no "charset_map" between the charsets "${charsets.from}" and "${charsets.to}"`);
    }
    name(draft, type!, charsets.to);
    changeFields(draft, "stay");
    if (recoding.kind !== "bytes") return transform(draft, exchange, services, recoder(recoding));
    const { body } = draft;
    if (body === null || exchange.method === "HEAD") return; // the length stays
    draft.body = transformed(sourceOf(body, services.kernel), recoder(recoding), body.length, exchange, services);
  };
}

const needsConversion = ({ from, to }: Charsets): boolean => from !== null && from.toLowerCase() !== to.toLowerCase();

/** As in nginx a redirect's page names none. */
function name(draft: ReplyDraft, type: string, charset: string): void {
  const isRedirect = draft.status === 301 || draft.status === 302;
  if (!isRedirect) putField(draft.fields, "Content-Type", withCharset(type, charset));
}
