/** The Content-Type of a path in a location: `types`, `default_type` and `charset`. */
import type { Settings } from "../../config/model.ts";
import { mediaTypeOf, withCharset } from "../../http/mime.ts";

/** The media type by the path's extension, with the configured charset if it is a text type. */
export function mediaType({ types, defaultType, charset }: Settings, path: string): string {
  return withCharset(mediaTypeOf(path, types, defaultType), charset);
}
