/** Variables of the servers that a request was passed to. With several attempts they are lists: `a, b : c`, the colon at an internal redirect. */
import { trimmed } from "../../http/octets.ts";
import type { Evaluator } from "../exchange.ts";
import type { Field } from "../reply.ts";
import type { AttemptRecord } from "../upstream.ts";
import { family, fieldName, type Row, row } from "./row.ts";

/** Values of all attempts. */
const attemptList =
  (value: (attempt: AttemptRecord) => string): Evaluator =>
  ({ upstream }) => {
    let text = "";
    let separator = "";
    for (const attempt of upstream?.attempts ?? []) {
      text += attempt === null ? " : " : separator + value(attempt);
      separator = attempt === null ? "" : ", ";
    }
    return text;
  };

/** A time in seconds; "-": it was not reached. */
const milliseconds = (ms: number): string => (ms < 0 ? "-" : (ms / 1000).toFixed(3));

/** A field of the last server's reply. */
const upstreamField =
  (name: string): Evaluator =>
  ({ upstream }) =>
    joined(upstream?.reply, name);

const joined = (fields: readonly Field[] | null | undefined, name: string): string => all(fields, name).join(", ");

/** The values of all lines of a field. */
const all = (fields: readonly Field[] | null | undefined, name: string): string[] =>
  (fields ?? []).filter((field) => field[0].toLowerCase() === name).map((field) => field[1]);

/** A cookie of the last server's reply. Its name counts without regard to case, as in nginx. */
const upstreamCookie =
  (name: string): Evaluator =>
  ({ upstream }) => {
    for (const line of all(upstream?.reply, "set-cookie")) {
      const pair = line.split(";", 1)[0]!;
      const equals = pair.indexOf("=");
      if (equals > 0 && trimmed(pair, 0, equals).toLowerCase() === name) return trimmed(pair, equals + 1, pair.length);
    }
    return "";
  };

export const UPSTREAM: readonly Row[] = [
  row(
    "proxy_host",
    "change",
    "host and port in `proxy_pass`, or the upstream's name",
    (e) => e.upstream?.target?.host ?? "",
  ),
  row("proxy_port", "change", "the port in `proxy_pass`, or the protocol's own", (e) => e.upstream?.target?.port ?? ""),
  row(
    "upstream_addr",
    "change",
    "the addresses of the servers that were asked",
    attemptList(({ name }) => name),
  ),
  row(
    "upstream_bytes_received",
    "change",
    "bytes received from them",
    attemptList((a) => String(a.bytesReceived)),
  ),
  row(
    "upstream_bytes_sent",
    "change",
    "bytes sent to them",
    attemptList((a) => String(a.bytesSent)),
  ),
  row(
    "upstream_cache_status",
    "change",
    "`MISS`, `BYPASS`, `EXPIRED`, `STALE`, `UPDATING`, `REVALIDATED` or `HIT`",
    (e) => e.upstream?.cacheStatus ?? "",
  ),
  row(
    "upstream_connect_time",
    "change",
    "seconds until they were connected, with milliseconds",
    attemptList((a) => milliseconds(a.connectTime)),
  ),
  row(
    "upstream_header_time",
    "change",
    "seconds until the heads of their replies had come",
    attemptList((a) => milliseconds(a.headerTime)),
  ),
  row("upstream_queue_time", "change", "seconds in the `queue` of the upstream", ({ upstream }) =>
    upstream === null || upstream.queueTime < 0 ? "" : milliseconds(upstream.queueTime),
  ),
  row("slice_range", "connection", "nothing: the cache keeps replies in one piece", () => ""),
  row(
    "upstream_response_length",
    "change",
    "bytes of their replies' bodies",
    attemptList((a) => String(a.responseLength)),
  ),
  row(
    "upstream_response_time",
    "change",
    "seconds until their replies had ended",
    attemptList((a) => milliseconds(a.responseTime)),
  ),
  row(
    "upstream_status",
    "change",
    "the statuses of their replies; 502 or 504 for none",
    attemptList(({ status }) => (status === 0 ? "-" : String(status))),
  ),
  family("upstream_cookie_", "change", "a cookie that the last server's reply sets", upstreamCookie),
  family("upstream_http_", "change", "a field of the last server's reply", (name) => upstreamField(fieldName(name))),
  family(
    "upstream_trailer_",
    "connection",
    "nothing, as in nginx but for gRPC: fields behind a body are dropped",
    () => () => "",
  ),
];
