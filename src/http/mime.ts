/** Media types by file name extension. */
import { MIME_TYPES } from "./mime-types.ts";

/** Extension (small letters, no dot) to media type: what counts where the configuration has no `types`. */
export const BUILT_IN_TYPES: ReadonlyMap<string, string> = new Map(
  MIME_TYPES.trim()
    .split("\n")
    .flatMap((line) => {
      const [type, ...extensions] = line.split(" ");
      return extensions.map((extension): [string, string] => [extension, type]);
    }),
);

/** The media type of the file that `path` ends with, by the part of its name behind the last dot; `fallback` when it has none. */
export function mediaTypeOf(path: string, types: ReadonlyMap<string, string>, fallback: string): string {
  const dot = path.lastIndexOf(".");
  if (dot <= path.lastIndexOf("/")) return fallback;
  return types.get(path.slice(dot + 1).toLowerCase()) ?? fallback;
}

/** The types nginx's `charset` adds to by default, and JSON's and XML's relatives that are text as well. */
const TEXTUAL =
  /^(?:text\/[^;]+$|application\/(?:json|javascript|xml|rss\+xml|atom\+xml|xhtml\+xml|manifest\+json)$|image\/svg\+xml$)/;

/** `mediaType` with `; charset=` where it is a text type and has no charset yet. */
export function withCharset(mediaType: string, charset: string | null): string {
  if (charset === null || !TEXTUAL.test(mediaType)) return mediaType;
  return `${mediaType}; charset=${charset}`;
}
