/** The Content-Type of a path in a location: `types` and `default_type`. */
import type { Settings } from "../../config/model.ts";
import { mediaTypeOf } from "../../http/mime.ts";

/** The media type by the path's extension; its charset is added by a filter. */
export const mediaType = ({ types, defaultType }: Settings, path: string): string =>
  mediaTypeOf(path, types, defaultType);
