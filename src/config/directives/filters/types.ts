/** The media types whose replies a filter takes. */
import type { MediaTypes } from "../../settings/filters.ts";
import { kind, many } from "../../values/arguments.ts";

const mediaType = kind("TYPE | *", "a media type such as text/css, or *", (text) =>
  text === "*" || /^[\w!#$&^.+-]+\/[\w!#$&^.+-]+$/.test(text) ? text.toLowerCase() : undefined,
);

/** One or more types. */
export const mediaTypes = many(mediaType);

/** As in nginx, text/html is always one of them. */
export const withHtml = (types: readonly string[]): MediaTypes => new Set(["text/html", ...types]);
