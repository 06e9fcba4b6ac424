/** Which replies of a location have their bodies changed: those are not kept, and have no ranges. */
import type { Settings } from "../../config/model.ts";
import type { MediaTypes } from "../../config/settings/filters.ts";
import { isAmong } from "./media-type.ts";

/** Whether the body of a reply with this Content-Type is changed. */
export type BodyChanges = (type: string) => boolean;

/** Whether bodies may be in another charset than replies say. */
function converts({ charset, sourceCharset }: Settings): boolean {
  if (charset === null || sourceCharset === null) return false;
  const [to, from] = [charset.constant?.toLowerCase(), sourceCharset.constant?.toLowerCase()];
  return to === undefined || to !== from;
}

/** null: the location changes no bodies. */
export function bodyChanges(settings: Settings): BodyChanges | null {
  const sets: MediaTypes[] = [];
  if (settings.subFilters.length > 0) sets.push(settings.subFilterTypes);
  if (converts(settings)) sets.push(settings.charsetTypes);
  if (settings.ssi) sets.push(settings.ssiTypes);
  if (settings.addBeforeBody !== "" || settings.addAfterBody !== "") sets.push(settings.additionTypes);
  return sets.length === 0 ? null : (type) => sets.some((types) => isAmong(types, type));
}
