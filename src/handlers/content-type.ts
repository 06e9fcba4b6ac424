/** Which Content-Type a location gives a path: `types`, `default_type` and `charset`. */
import type { Settings } from "../config/model.ts";

/** The media type for a path by its extension, with the charset where one is configured and the type is text. */
export function mediaType(settings: Settings, path: string): string {
  const type = settings.types.get(extension(path)) ?? settings.defaultType;
  return settings.charset !== null && isText(type) ? `${type}; charset=${settings.charset}` : type;
}

/** What follows the last dot of the last component, in small letters; "" without one. */
export function extension(path: string): string {
  const dot = path.lastIndexOf(".");
  return dot > path.lastIndexOf("/") ? path.slice(dot + 1).toLowerCase() : "";
}

/** Types that are text and do not say their encoding themselves; JSON is always UTF-8 (RFC 8259 §8.1). */
const isText = (type: string): boolean =>
  type.startsWith("text/") || type === "application/javascript" || /^application\/(.*\+)?xml$/.test(type);
