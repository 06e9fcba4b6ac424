/** Which replies of a location have their bodies changed: those are not kept, and have no ranges. */
import type { Settings } from "../../config/model.ts";
import type { MediaTypes } from "../../config/settings/filters.ts";
import { isAmong } from "./media-type.ts";

/** Whether the body of a reply with this Content-Type is changed. */
export type BodyChanges = (type: string) => boolean;

/** null: the location changes no bodies. */
export function bodyChanges(settings: Settings): BodyChanges | null {
  const sets: MediaTypes[] = [];
  if (settings.subFilters.length > 0) sets.push(settings.subFilterTypes);
  if (settings.charset !== null && settings.sourceCharset !== null) sets.push(settings.charsetTypes);
  if (settings.ssi) sets.push(settings.ssiTypes);
  if (settings.addBeforeBody !== "" || settings.addAfterBody !== "") sets.push(settings.additionTypes);
  return sets.length === 0 ? null : (type) => sets.some((types) => isAmong(types, type));
}
