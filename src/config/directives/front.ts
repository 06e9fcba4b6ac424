/** Behind a front server: which ones are trusted to name the client, and how redirects name this server. */
import type { Context } from "../scope.ts";
import { append } from "../scope.ts";
import type { Row } from "../table.ts";
import { directive, store } from "../table.ts";
import { fieldName, flag } from "../values/arguments.ts";
import { network, source } from "../values/source.ts";

const anywhere: readonly Context[] = ["http", "server", "location"];
const NOT_ALL_OTHERS = { allow: false, match: "all" } as const;

export const FRONT: readonly Row[] = [
  directive("set_real_ip_from", {
    in: anywhere,
    takes: [source],
    default: null,
    repeats: true,
    help: "A front server that is trusted to tell who the client is (`real_ip_header`) and whether it used HTTPS (`X-Forwarded-Proto`: `$scheme`, `$https`, the `Secure` of session cookies).",
    set: (scope, [match], { args }) => {
      append(scope, "realIpFrom", { allow: true, match: network(match, args[0]!, scope) });
      const rules = scope.own.realIpFrom!.filter((rule) => rule !== NOT_ALL_OTHERS);
      scope.own.realIpFrom = [...rules, NOT_ALL_OTHERS];
    },
  }),
  directive("real_ip_header", {
    in: anywhere,
    takes: [fieldName],
    default: "X-Real-IP",
    help: "The field in which a front server (`set_real_ip_from`) names the client: `X-Real-IP`, `X-Forwarded-For` or another; `proxy_protocol`: the header of that protocol does (`listen ... proxy_protocol`). Logs, `allow` and `deny`, and scripts then have that address.",
    set: (scope, [name]) => (scope.own.realIpHeader = name.toLowerCase()),
  }),
  directive("real_ip_recursive", {
    in: anywhere,
    takes: [flag],
    default: "off",
    help: "Of several addresses, the last one that is not a front server's counts, instead of simply the last one.",
    set: store("realIpRecursive"),
  }),
  directive("absolute_redirect", {
    in: anywhere,
    takes: [flag],
    default: "off",
    help: "Sends redirects to a path with scheme, host and port. Unlike nginx's the default is `off`: a path alone is right behind every front server.",
    set: store("absoluteRedirect"),
  }),
  directive("server_name_in_redirect", {
    in: anywhere,
    takes: [flag],
    default: "off",
    help: "Uses the server's first name instead of the client's Host in absolute redirects.",
    set: store("serverNameInRedirect"),
  }),
  directive("port_in_redirect", {
    in: anywhere,
    takes: [flag],
    default: "on",
    help: "Adds the port that the client connected to in absolute redirects.",
    set: store("portInRedirect"),
  }),
];
