/** Which Content-Type a location gives a path: `types`, `default_type` and `charset`. */
import type { Settings } from "../../config/model.ts";
import { mediaTypeOf, withCharset } from "../../http/mime.ts";

/** The media type for a path by its extension, with the charset where one is configured and the type is text. */
export function mediaType({ types, defaultType, charset }: Settings, path: string): string {
  return withCharset(mediaTypeOf(path, types, defaultType), charset);
}
