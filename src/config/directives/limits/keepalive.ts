/** How connections end (ngx_http_core_module). */
import type { Context } from "../../scope.ts";
import { directive, type Row, store } from "../../table.ts";
import { flag, many, oneOf, time } from "../../values/arguments.ts";

const anywhere: readonly Context[] = ["http", "server", "location"];

export const KEEPALIVE: readonly Row[] = [
  directive("keepalive_disable", {
    in: anywhere,
    takes: [many(oneOf("none", "msie6", "safari"))],
    default: "msie6",
    help: "Old browsers whose connections end with the reply: `msie6` after a POST, `safari` on macOS after any request.",
    set: (scope, [browsers]) => {
      scope.own.keepaliveMsie6 = browsers.includes("msie6");
      scope.own.keepaliveSafari = browsers.includes("safari");
    },
  }),
  directive("keepalive_min_timeout", {
    in: anywhere,
    takes: [time],
    default: "0",
    help: "How long a connection between two requests stays open when the server stops: a client may be about to send the next one.",
    set: store("keepaliveMinTimeout"),
  }),
  directive("reset_timedout_connection", {
    in: anywhere,
    takes: [flag],
    default: "off",
    help: "Whether a connection is reset when its client takes too long to read a reply or sends nothing at all, and by `return 444`: what was not sent is discarded at once. Connections that were idle between requests are closed as ever.",
    set: store("resetTimedoutConnection"),
  }),
];
