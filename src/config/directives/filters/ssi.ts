/** `ssi` and its companions: directives inside replies. */
import type { Context } from "../../scope.ts";
import { directive, type Row, store } from "../../table.ts";
import { flag, size, sizeBetween } from "../../values/arguments.ts";
import { mediaTypes, withHtml } from "./types.ts";

const anywhere: readonly Context[] = ["http", "server", "location"];

export const SSI: readonly Row[] = [
  directive("ssi", {
    in: anywhere,
    takes: [flag],
    default: "off",
    help: 'Carries out the directives of SSI in replies, as nginx has them: `<!--# include virtual="/path?args" -->` (`file`, `wait`, `set`, `stub`), `echo` (`default`, `encoding`), `set`, `if`, `elif`, `else`, `endif`, `block`, `endblock`, `config` (`errmsg`, `timefmt`). Includes are asked for at once, their replies sent in order as they come. A reply with Content-Encoding stays as it is.',
    set: store("ssi"),
  }),
  directive("ssi_types", {
    in: anywhere,
    takes: [mediaTypes],
    default: "text/html",
    help: "The media types whose replies `ssi` is for, in addition to text/html; `*` stands for every type.",
    set: (scope, [types]) => {
      scope.own.ssiTypes = withHtml(types);
    },
  }),
  directive("ssi_last_modified", {
    in: anywhere,
    takes: [flag],
    default: "off",
    help: "Whether such a reply keeps its `Last-Modified`, and its `ETag` as a weak one; else both are removed.",
    set: store("ssiLastModified"),
  }),
  directive("ssi_silent_errors", {
    in: anywhere,
    takes: [flag],
    default: "off",
    help: "Whether errors are only logged; else `[an error occurred while processing the directive]` is sent, or what `config errmsg` says.",
    set: store("ssiSilentErrors"),
  }),
  directive("ssi_value_length", {
    in: anywhere,
    takes: [sizeBetween(1, 65536)],
    default: "256",
    help: "Most bytes of a parameter's value in a directive of SSI.",
    set: store("ssiValueLength"),
  }),
  directive("ssi_min_file_chunk", {
    in: anywhere,
    takes: [size],
    default: null,
    shownDefault: "1k",
    idle: "texts between directives are sent from memory",
    help: "Accepted: texts between directives are sent from memory.",
    set: () => {},
  }),
  directive("ssi_ignore_recycled_buffers", {
    in: anywhere,
    takes: [flag],
    default: null,
    shownDefault: "off",
    idle: "texts between directives are sent from memory",
    help: "Accepted: texts between directives are sent from memory.",
    set: () => {},
  }),
  directive("subrequest_output_buffer_size", {
    in: anywhere,
    takes: [size],
    default: "4k",
    help: "Most bytes of a reply that `include set` makes a variable of.",
    set: store("subrequestOutputBufferSize"),
  }),
];
