/** nginx's core, what concerns requests and connections. */
import type { Context } from "../../scope.ts";
import type { Row } from "../../table.ts";
import { directive, store } from "../../table.ts";
import { flag, number, oneOf, time } from "../../values/arguments.ts";

const anywhere: readonly Context[] = ["http", "server", "location"];
const beforeLocations: readonly Context[] = ["http", "server"];

export const CORE_REQUESTS: readonly Row[] = [
  directive("max_headers", {
    in: beforeLocations,
    takes: [number("N", 1, 100_000)],
    default: "1000",
    help: "Most fields of a request; beyond it 431. That of the address' default server counts.",
    set: store("maxHeaders"),
  }),
  directive("ignore_invalid_headers", {
    in: beforeLocations,
    takes: [flag],
    default: "on",
    help: "Drops fields whose names have other characters than letters, digits and hyphens; with `off` every name that HTTP allows is taken, and any other is refused in both cases. That of the address' default server counts.",
    set: store("ignoreInvalidHeaders"),
  }),
  directive("underscores_in_headers", {
    in: beforeLocations,
    takes: [flag],
    default: "off",
    help: "Whether names of fields may have underscores too; programs cannot tell them from hyphens. That of the address' default server counts.",
    set: store("underscoresInHeaders"),
  }),
  directive("merge_slashes", {
    in: beforeLocations,
    takes: [flag],
    default: "on",
    help: "Whether repeated slashes in a path are one, for locations and files.",
    set: store("mergeSlashes"),
  }),
  directive("keepalive_time", {
    in: anywhere,
    takes: [time],
    default: "1h",
    help: "How long a connection takes requests; it is closed after the first one that ends later.",
    set: store("keepaliveTime"),
  }),
  directive("client_body_in_file_only", {
    in: anywhere,
    takes: [oneOf("on", "clean", "off")],
    default: "off",
    help: "Whether each body that is to be passed to another server is written to a file of `client_body_temp_path` ($request_body_file) first; `clean` removes it behind the reply, `on` keeps it.",
    set: store("clientBodyInFileOnly"),
  }),
  directive("lingering_close", {
    in: anywhere,
    takes: [oneOf("on", "always", "off")],
    default: "on",
    help: "Whether the server reads on before it closes, so that a client that still sends sees the reply: where that may be, always, or never.",
    set: store("lingeringClose"),
  }),
];
