/** `add_before_body`, `add_after_body` and `add_trailer`: what is put around a reply. */
import { isToken } from "../../../http/headers.ts";
import type { Context } from "../../scope.ts";
import { directive, type Row, store } from "../../table.ts";
import { flag, kind, oneOf, optional, template } from "../../values/arguments.ts";
import { mediaTypes, withHtml } from "./types.ts";

const anywhere: readonly Context[] = ["http", "server", "location"];

const uri = kind("URI", 'a path of this server, or "" for none', (text) =>
  text === "" || text.startsWith("/") ? text : undefined,
);

/** RFC 9110 §6.5.1: what frames, routes or controls a message, or says how its body is to be read, cannot come behind it. */
const NO_TRAILERS =
  /^(?:age|authorization|cache-control|connection|content-(?:encoding|length|range|type)|date|expires|host|keep-alive|location|retry-after|set-cookie|te|trailer|transfer-encoding|upgrade|vary|warning|www-authenticate)$/i;

const trailerName = kind("NAME", "the name of a field that may come behind a body", (text) =>
  isToken(text) && !NO_TRAILERS.test(text) ? text : undefined,
);

export const ADDITION: readonly Row[] = [
  directive("gunzip", {
    in: anywhere,
    takes: [flag],
    default: "off",
    help: "Decompresses replies with `Content-Encoding: gzip`, of another server or of `gzip_static always`, for clients that do not accept gzip, and before they are included in others.",
    set: store("gunzip"),
  }),
  directive("add_before_body", {
    in: anywhere,
    takes: [uri],
    default: null,
    help: "Puts the reply of another path of this server before the body of a 200.",
    set: store("addBeforeBody"),
  }),
  directive("add_after_body", {
    in: anywhere,
    takes: [uri],
    default: null,
    help: "Puts the reply of another path of this server behind the body of a 200.",
    set: store("addAfterBody"),
  }),
  directive("addition_types", {
    in: anywhere,
    takes: [mediaTypes],
    default: "text/html",
    help: "The media types whose replies `add_before_body` and `add_after_body` are for, in addition to text/html; `*` stands for every type.",
    set: (scope, [types]) => {
      scope.own.additionTypes = withHtml(types);
    },
  }),
  directive("add_trailer", {
    in: anywhere,
    takes: [trailerName, template("VALUE"), optional(oneOf("always"))],
    default: null,
    repeats: true,
    help: "A field behind the body, whose value is made when the body has been sent. It makes replies with 200, 201, 206, 301, 302, 303, 307 and 308 chunked, with `always` all; clients of HTTP/1.0 do not get it, nor an empty one.",
    set: (scope, [name, value, always]) => {
      scope.own.addTrailers = [...(scope.own.addTrailers ?? []), { name, value, always: always !== undefined }];
    },
  }),
];
