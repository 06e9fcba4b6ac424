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

/** Types that get a charset: the default of nginx's `charset_types`, and further text types based on JSON and XML. */
const TEXTUAL =
  /^(?:text\/[^;]+$|application\/(?:json|javascript|xml|rss\+xml|atom\+xml|xhtml\+xml|manifest\+json)$|image\/svg\+xml$)/;

/** `mediaType` with `; charset=` added if it is a text type without parameters. */
export function withCharset(mediaType: string, charset: string | null): string {
  if (charset === null || !TEXTUAL.test(mediaType)) return mediaType;
  return `${mediaType}; charset=${charset}`;
}
