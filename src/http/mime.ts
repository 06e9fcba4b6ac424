/** Media types by file name extension. */
import { MIME_TYPES } from "./mime-types.ts";

/** Media type by extension (small letters, no dot); used where the configuration has no `types`. */
export const BUILT_IN_TYPES: ReadonlyMap<string, string> = new Map(
  MIME_TYPES.trim()
    .split("\n")
    .flatMap((line) => {
      const [type, ...extensions] = line.split(" ");
      return extensions.map((extension): [string, string] => [extension, type]);
    }),
);

/** The media type by the extension of the last component of `path`; `fallback` when there is none or it is unknown. */
export function mediaTypeOf(path: string, types: ReadonlyMap<string, string>, fallback: string): string {
  const dot = path.lastIndexOf(".");
  if (dot <= path.lastIndexOf("/")) return fallback;
  return types.get(path.slice(dot + 1).toLowerCase()) ?? fallback;
}
