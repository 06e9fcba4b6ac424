/** The limits on requests and connections per key: ngx_http_limit_req_module, ngx_http_limit_conn_module. */
import { readSize } from "../../../http/size.ts";
import type { Settings } from "../../model.ts";
import type { Position } from "../../parts.ts";
import type { Context, Scope } from "../../scope.ts";
import { append } from "../../scope.ts";
import { directive, type Row, store } from "../../table.ts";
import { quote } from "../../text/diagnostics.ts";
import type { Word } from "../../text/parser.ts";
import { flag, number, oneOf, template, words } from "../../values/arguments.ts";
import { defineZone, useZone } from "./zones.ts";

const anywhere: readonly Context[] = ["http", "server", "location"];
const level = oneOf("info", "notice", "warn", "error");
const status = number("CODE", 400, 599);

/** nginx counts connections in 16 bits. */
const MOST_CONNECTIONS = 65_535;

/** A size that may have variables. */
const rate = (name: string, key: "limitRate" | "limitRateAfter", help: string): Row =>
  directive(name, {
    in: anywhere,
    takes: [template("SIZE")],
    default: "0",
    help,
    set: (scope, [value], { args }) => {
      const bytes = value.constant === null ? null : readSize(value.constant);
      if (bytes === undefined)
        return scope.error(
          args[0]!.position,
          `"${name}" expects a size (bytes, or with k, m or g), not ${quote(value.text)}`,
        );
      scope.own[key] = bytes === 0 ? null : value;
    },
  });

export const LIMITS: readonly Row[] = [
  directive("limit_req_zone", {
    in: ["http"],
    takes: [words("KEY zone=NAME:SIZE rate=RATE", 3, 3)],
    default: null,
    repeats: true,
    help: "A zone for `limit_req`: the rate that each value of KEY (text with variables, such as `$binary_remote_addr`) may have, `5r/s` or `30r/m`, and the most memory for the values. 1m holds about 15,000 of up to 24 bytes, and no more than 1g is used; the oldest leave first. Requests with an empty key are not counted. The states outlive a reload while name, key and size stay.",
    set: (scope, [given]) => addRequestZone(scope, given),
  }),
  directive("limit_req", {
    in: anywhere,
    takes: [words("zone=NAME [burst=N] [nodelay | delay=N]", 1, 3)],
    default: null,
    repeats: true,
    help: "Keeps each key at the rate of a zone. Requests that come earlier are delayed, those that exceed it by more than `burst` (0) are rejected. `nodelay` delays none, `delay=N` those beyond N. Several in a block apply together; without one, those of the outer block do.",
    set: (scope, [given], { position }) => addRequestLimit(scope, given, position),
  }),
  directive("limit_req_status", {
    in: anywhere,
    takes: [status],
    default: "503",
    help: "The status of requests that `limit_req` rejects.",
    set: store("limitReqStatus"),
  }),
  directive("limit_req_log_level", {
    in: anywhere,
    takes: [level],
    default: "error",
    help: "The level of the error log's lines about rejections; delays have the next lower one.",
    set: store("limitReqLogLevel"),
  }),
  directive("limit_req_dry_run", {
    in: anywhere,
    takes: [flag],
    default: "off",
    help: "Whether `limit_req` only counts and logs: nothing is delayed or rejected.",
    set: store("limitReqDryRun"),
  }),
  directive("limit_conn_zone", {
    in: ["http"],
    takes: [words("KEY zone=NAME:SIZE", 2, 2)],
    default: null,
    repeats: true,
    help: "A zone for `limit_conn`: what KEY (text with variables) is counted by, and the most memory for its values. When it is full, further requests are rejected.",
    set: (scope, [[key, zone]]) => defineZone(scope, "limit_conn_zone", key!, zone!, 0),
  }),
  directive("limit_conn", {
    in: anywhere,
    takes: [words("NAME N", 2, 2)],
    default: null,
    repeats: true,
    help: "Most connections with a request in progress for each key of a zone, from its complete head to the end of its reply. Several in a block apply together; without one, those of the outer block do.",
    set: (scope, [given], { position }) => addConnectionLimit(scope, given, position),
  }),
  directive("limit_conn_status", {
    in: anywhere,
    takes: [status],
    default: "503",
    help: "The status of requests that `limit_conn` rejects.",
    set: store("limitConnStatus"),
  }),
  directive("limit_conn_log_level", {
    in: anywhere,
    takes: [level],
    default: "error",
    help: "The level of the error log's lines about rejections.",
    set: store("limitConnLogLevel"),
  }),
  directive("limit_conn_dry_run", {
    in: anywhere,
    takes: [flag],
    default: "off",
    help: "Whether `limit_conn` only counts and logs: nothing is rejected.",
    set: store("limitConnDryRun"),
  }),
  rate(
    "limit_rate",
    "limitRate",
    "Most bytes per second of a reply; 0: no limit. A client with several connections gets as much on each. A value with variables that is empty or no size is 0; `set $limit_rate` and the field X-Accel-Limit-Rate of another server's reply override it.",
  ),
  rate(
    "limit_rate_after",
    "limitRateAfter",
    "Bytes of a reply that are sent at full speed before `limit_rate` applies.",
  ),
];

/** Thousandths of a request per second of `rate=N`, with `r/s` or `r/m`; undefined: it is none. As nginx, 1r/m is 16. */
function rateOf(text: string): number | undefined {
  const [, count, unit] = /^rate=(\d{1,12})(?:r\/([sm]))?$/.exec(text) ?? [];
  const rate = Math.floor((Number(count) * 1000) / (unit === "m" ? 60 : 1));
  return rate > 0 ? rate : undefined;
}

function addRequestZone(scope: Scope, [key, ...rest]: readonly Word[]): void {
  const zone = rest.find(({ text }) => text.startsWith("zone="));
  const rate = rest.find(({ text }) => text.startsWith("rate="));
  const wrong = rest.find((word) => word !== zone && word !== rate);
  if (wrong !== undefined || zone === undefined || rate === undefined) {
    const { position } = wrong ?? key!;
    return scope.error(position, '"limit_req_zone" expects KEY zone=NAME:SIZE rate=RATE');
  }
  const each = rateOf(rate.text);
  if (each === undefined)
    return scope.error(rate.position, `"limit_req_zone" expects rate=Nr/s or rate=Nr/m, not ${quote(rate.text)}`);
  defineZone(scope, "limit_req_zone", key!, zone, each);
}

/** The number of `burst=N` or `delay=N` in thousandths; undefined: it is none. */
function thousandths(text: string): number | undefined {
  const count = /^\w+=0*([1-9]\d{0,11})$/.exec(text)?.[1];
  return count === undefined ? undefined : Number(count) * 1000;
}

function addRequestLimit(scope: Scope, given: readonly Word[], position: Position): void {
  const limit = { burst: 0, delay: 0 };
  let name: Word | null = null;
  for (const word of given) {
    const { text } = word;
    const [key] = text.split("=", 1);
    if (text.startsWith("zone=")) name = { ...word, text: text.slice(5) };
    else if (text === "nodelay") limit.delay = Number.POSITIVE_INFINITY;
    else if (key === "burst" || key === "delay") {
      const value = thousandths(text);
      if (value === undefined)
        return scope.error(word.position, `"limit_req" expects a number above 0 after "${key}=", not ${quote(text)}`);
      limit[key] = value;
    } else return scope.error(word.position, `unknown option ${quote(text)} of "limit_req"`);
  }
  if (name === null || name.text === "") return scope.error(position, '"limit_req" needs zone=NAME');
  const zone = useZone(scope, "limit_req_zone", name);
  if (!isRepeated(scope, "limitReq", zone, name)) append(scope, "limitReq", { zone, ...limit });
}

function addConnectionLimit(scope: Scope, [name, count]: readonly Word[], position: Position): void {
  const most = /^\d{1,9}$/.test(count!.text) ? Number(count!.text) : 0;
  if (most < 1 || most > MOST_CONNECTIONS)
    return scope.error(
      count?.position ?? position,
      `"limit_conn" expects a whole number between 1 and ${MOST_CONNECTIONS}, not ${quote(count!.text)}`,
    );
  const zone = useZone(scope, "limit_conn_zone", name!);
  if (!isRepeated(scope, "limitConn", zone, name!)) append(scope, "limitConn", { zone, most });
}

/** Reports a zone that the block has a limit for already. */
function isRepeated(
  scope: Scope,
  key: "limitReq" | "limitConn",
  zone: Settings["limitReq"][number]["zone"],
  { position, text }: Word,
): boolean {
  const isThere = scope.own[key]?.some((limit) => limit.zone === zone) === true;
  if (isThere) scope.error(position, `this block has a limit by the zone ${quote(text)} already`);
  return isThere;
}
