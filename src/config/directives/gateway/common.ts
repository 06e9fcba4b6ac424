/** The directives that every family of `*_pass` has, as nginx's ngx_http_upstream: made once for each prefix. */
import { parseAddress } from "../../../../ffi/inet.ts";
import type { Family, FamilySettings } from "../../gateway.ts";
import type { Context, Scope } from "../../scope.ts";
import type { Row } from "../../table.ts";
import { directive } from "../../table.ts";
import { quote } from "../../text/diagnostics.ts";
import type { Directive, Word } from "../../text/parser.ts";
import { accessMode } from "../../values/access-mode.ts";
import { duration, fieldName, flag, number, size, time, words } from "../../values/arguments.ts";
import { absoluteTemplate } from "../../values/template.ts";
import { bufferRows } from "./buffers.ts";
import { keep } from "./keep.ts";

const anywhere: readonly Context[] = ["http", "server", "location"];

/** The statuses that `*_next_upstream` and `*_cache_use_stale` may name; 502 and 504 only where the peer speaks HTTP. */
export const statusesOf = (family: Family): number[] =>
  family === "proxy" ? [403, 404, 429, 500, 502, 503, 504] : [403, 404, 429, 500, 503];

const IGNORABLE = [
  "X-Accel-Redirect",
  "X-Accel-Expires",
  "X-Accel-Limit-Rate",
  "X-Accel-Buffering",
  "X-Accel-Charset",
  "Expires",
  "Cache-Control",
  "Set-Cookie",
  "Vary",
];

/** Values of a fixed list, each once; `off` alone is the empty list. Undefined after an error. */
export function choices<T extends string>(
  scope: Scope,
  { name, args }: Directive,
  known: readonly T[],
  off: boolean,
): T[] | undefined {
  const found: T[] = [];
  for (const { text, position } of args) {
    const value = known.find((one) => one.toLowerCase() === text.toLowerCase());
    if (off && args.length === 1 && text.toLowerCase() === "off") return [];
    if (value === undefined) {
      const list = [...known, ...(off ? ["off"] : [])].join(", ");
      scope.error(position, `"${name}" expects ${list}, not ${quote(text)}`);
      return undefined;
    }
    if (found.includes(value)) scope.warning(position, `${quote(text)} is repeated`);
    else found.push(value);
  }
  return found;
}

/** The rows of one family: how long to wait for the server, and how its replies are read. */
export function commonRows(family: Family): readonly Row[] {
  return [...timeRows(family), ...bufferRows(family), ...fieldRows(family), ...nextRows(family), ...otherRows(family)];
}

function timeRows(family: Family): readonly Row[] {
  const row = (name: string, key: "connectTimeout" | "sendTimeout" | "readTimeout", help: string): Row =>
    directive(`${family}_${name}`, { in: anywhere, takes: [duration], default: "60s", help, set: keep(family, key) });
  return [
    row(
      "connect_timeout",
      "connectTimeout",
      "How long a connection to the server may take to open; then 504, or the next server.",
    ),
    row("send_timeout", "sendTimeout", "Time without progress while the request is sent to the server."),
    row(
      "read_timeout",
      "readTimeout",
      "Time without anything from the server while its reply is awaited or read; for a tunnel, in either direction.",
    ),
  ];
}

function fieldRows(family: Family): readonly Row[] {
  const names = (name: string, key: "hideHeaders" | "passHeaders", help: string): Row =>
    directive(`${family}_${name}`, {
      in: anywhere,
      takes: [fieldName],
      default: null,
      repeats: true,
      help,
      set: (scope, [field]) => {
        const own = scope.ownGroup(family);
        own[key] = [...(own[key] ?? []), field.toLowerCase()];
      },
    });
  const flags = (name: string, key: "passRequestBody" | "passRequestHeaders", help: string): Row =>
    directive(`${family}_${name}`, { in: anywhere, takes: [flag], default: "on", help, set: keep(family, key) });
  return [
    names(
      "hide_header",
      "hideHeaders",
      `A field of replies that clients do not get, besides those always hidden: Date, Server, X-Pad and X-Accel-* (of programs Status and X-Accel-*).`,
    ),
    names("pass_header", "passHeaders", "A field that clients get although it is usually hidden."),
    directive(`${family}_ignore_headers`, {
      in: anywhere,
      takes: [words("FIELD...")],
      default: null,
      help: `Fields of replies that have no effect here: ${IGNORABLE.join(", ")}.`,
      set: (scope, _, given) => {
        const found = choices(scope, given, IGNORABLE, false);
        if (found) scope.ownGroup(family).ignoreHeaders = found.map((name) => name.toLowerCase());
      },
    }),
    flags("pass_request_body", "passRequestBody", "Whether the server gets the request's body."),
    flags("pass_request_headers", "passRequestHeaders", "Whether the server gets the request's fields."),
  ];
}

function nextRows(family: Family): readonly Row[] {
  const known = [
    "error",
    "timeout",
    "invalid_header",
    "non_idempotent",
    "updating",
    ...statusesOf(family).map((status) => `http_${status}`),
  ];
  return [
    directive(`${family}_next_upstream`, {
      in: anywhere,
      takes: [words("WHEN... | off")],
      default: "error timeout",
      syntax: "error | timeout | invalid_header | non_idempotent | http_STATUS | off ...",
      help: "When a request goes to the next server of the upstream, as long as the client has got nothing. POST, LOCK and PATCH that were sent do not, but with `non_idempotent`.",
      set: (scope, _, given) => {
        const found = choices(scope, given, known, true)?.filter((name) => name !== "updating");
        if (found) scope.ownGroup(family).nextUpstream = found as FamilySettings["nextUpstream"];
      },
    }),
    directive(`${family}_next_upstream_tries`, {
      in: anywhere,
      takes: [number("N", 0)],
      default: "0",
      help: "Most servers that are tried for a request; 0: all.",
      set: keep(family, "nextUpstreamTries"),
    }),
    directive(`${family}_next_upstream_timeout`, {
      in: anywhere,
      takes: [time],
      default: "0",
      help: "How long other servers are tried; 0: no limit.",
      set: keep(family, "nextUpstreamTimeout"),
    }),
  ];
}

function otherRows(family: Family): readonly Row[] {
  const flags = (
    name: string,
    key: "interceptErrors" | "ignoreClientAbort" | "forceRanges" | "socketKeepalive",
    help: string,
  ): Row =>
    directive(`${family}_${name}`, { in: anywhere, takes: [flag], default: "off", help, set: keep(family, key) });
  return [
    flags("intercept_errors", "interceptErrors", "Whether `error_page` applies to replies of 300 and above."),
    flags("ignore_client_abort", "ignoreClientAbort", "Whether a request goes on when its client has left."),
    flags("force_ranges", "forceRanges", "Whether ranges are served of replies that do not say `Accept-Ranges`."),
    flags("socket_keepalive", "socketKeepalive", "Whether connections to the server have SO_KEEPALIVE."),
    directive(`${family}_limit_rate`, {
      in: anywhere,
      takes: [size],
      default: "0",
      help: "Bytes a second that are read of a reply, with buffering; 0: no limit.",
      set: keep(family, "limitRate"),
    }),
    directive(`${family}_bind`, {
      in: anywhere,
      takes: [words("ADDRESS[:PORT] [transparent] | off", 1, 2)],
      default: "off",
      help: "The local address of connections to the server; it may have variables. `transparent` (with the client's address) needs privileges.",
      set: (scope, [given]) => setBind(scope, family, given),
    }),
    ...storeRows(family),
  ];
}

function setBind(scope: Scope, family: Family, [address, option]: readonly Word[]): void {
  if (option !== undefined && option.text !== "transparent")
    return scope.error(
      option.position,
      `"${family}_bind" expects "transparent" as its second argument, not ${quote(option.text)}`,
    );
  if (address!.text === "off" && option === undefined) {
    scope.ownGroup(family).bind = null;
    return;
  }
  const template = scope.template(address!);
  if (template === null) return;
  const { constant } = template;
  if (constant !== null && !isLocalAddress(constant))
    return scope.error(address!.position, `"${family}_bind" expects an address, not ${quote(address!.text)}`);
  scope.ownGroup(family).bind = { address: template, transparent: option !== undefined };
}

/** An address with or without a port; IPv6 with a port has brackets. */
function isLocalAddress(text: string): boolean {
  const [, v6, v4, port = "0"] = /^(?:\[(.+)\]|([^:]+))(?::(\d+))?$/.exec(text) ?? [];
  return parseAddress(text) !== null || (parseAddress(v6 ?? v4 ?? "") !== null && Number(port) <= 65535);
}

function storeRows(family: Family): readonly Row[] {
  return [
    directive(`${family}_store`, {
      in: anywhere,
      takes: [words("on | off | PATH", 1, 1)],
      default: "off",
      help: "Keeps replies as files: `on` where `root` or `alias` says, or at a path with variables. Nothing removes them.",
      set: (scope, [[word]]) => {
        const path = word!.text === "on" || word!.text === "off" ? null : scope.template(word!);
        const absolute = path == null ? null : absoluteTemplate(path, scope.draft.prefix, false);
        scope.ownGroup(family).store = word!.text === "on" ? "on" : absolute;
      },
    }),
    directive(`${family}_store_access`, {
      in: anywhere,
      takes: [words("USERS:PERMISSIONS...", 1, 3)],
      default: "user:rw",
      help: "Who may read and write what `" + family + "_store` keeps: `user:rw group:rw all:r`.",
      set: (scope, [given]) => {
        const mode = accessMode(scope, `${family}_store_access`, given);
        if (mode !== undefined) scope.ownGroup(family).storeAccess = mode;
      },
    }),
  ];
}
