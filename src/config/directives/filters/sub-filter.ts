/** `sub_filter` and its companions: texts that are replaced in replies. */
import type { Context } from "../../scope.ts";
import { directive, type Row, store } from "../../table.ts";
import { flag, template } from "../../values/arguments.ts";
import { mediaTypes, withHtml } from "./types.ts";

const anywhere: readonly Context[] = ["http", "server", "location"];

export const SUB_FILTER: readonly Row[] = [
  directive("sub_filter", {
    in: anywhere,
    takes: [template("STRING"), template("REPLACEMENT")],
    default: null,
    repeats: true,
    help: 'Replaces STRING, whatever the case of its letters, in replies. Of several the one that begins first counts; what was put in is not looked at again. A reply with Content-Encoding stays as it is: for another server\'s write `proxy_set_header Accept-Encoding "";`. A changed reply is sent without length, ranges and validators.',
    set: (scope, [text, replacement], { args, name }) => {
      if (text.text === "") return scope.error(args[0]!.position, `"${name}" expects a text that is not empty`);
      scope.own.subFilters = [...(scope.own.subFilters ?? []), { text, replacement }];
    },
  }),
  directive("sub_filter_once", {
    in: anywhere,
    takes: [flag],
    default: "on",
    help: "Whether each STRING is replaced only where it occurs first.",
    set: store("subFilterOnce"),
  }),
  directive("sub_filter_types", {
    in: anywhere,
    takes: [mediaTypes],
    default: "text/html",
    help: "The media types whose replies `sub_filter` changes, in addition to text/html; `*` stands for every type.",
    set: (scope, [types]) => {
      scope.own.subFilterTypes = withHtml(types);
    },
  }),
  directive("sub_filter_last_modified", {
    in: anywhere,
    takes: [flag],
    default: "off",
    help: "Whether a changed reply keeps its `Last-Modified`, and its `ETag` as a weak one; else both are removed.",
    set: store("subFilterLastModified"),
  }),
];
