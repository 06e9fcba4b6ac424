/**
 * The filters of a location in the order of nginx: added fields, `gunzip`, `sub_filter`, charsets, SSI, then compression. What `add_before_body` puts
 * around a body has had the filters of its own location only, so it is put there behind these.
 */
import type { Settings } from "../../config/model.ts";
import type { Filter } from "../../exchange/filter.ts";
import { Codings } from "../../handlers/compression/codings.ts";
import type { HandlerServices } from "../../handlers/services.ts";
import { corsFilter, hasCors } from "../../handlers/upload/cors.ts";
import { addFields } from "./added-fields.ts";
import { addition } from "./addition.ts";
import { charsetFilter } from "./charset.ts";
import { compressing } from "./compression.ts";
import { gunzipping } from "./gunzip.ts";
import { ssiFilter } from "./ssi.ts";
import { subFilter } from "./sub-filter.ts";
import { trailers } from "./trailers.ts";
import { userIdFilter } from "./user-id.ts";

/** Made once for each location; none for most. */
export function filtersOf(settings: Settings, services: HandlerServices): readonly Filter[] {
  const filters: Filter[] = [];
  if (hasCors(settings)) filters.push(corsFilter);
  if (settings.expires !== null || settings.addHeaders.length > 0) filters.push(addFields);
  if (settings.userid === "on" || settings.userid === "v1") filters.push(userIdFilter(settings));
  if (settings.gunzip) filters.push(gunzipping(settings, services));
  if (settings.subFilters.length > 0) filters.push(subFilter(settings, services));
  if (settings.charset !== null) filters.push(charsetFilter(settings, services));
  if (settings.ssi) filters.push(ssiFilter(settings, services));
  if (settings.addBeforeBody !== "" || settings.addAfterBody !== "") filters.push(addition(settings, services));
  const codings = Codings.of(settings, services.compression);
  if (codings !== null) filters.push(compressing(codings, services));
  if (settings.addTrailers.length > 0) filters.push(trailers(settings, services));
  return filters;
}
