/** Variables of time, and of the server itself. */
import { formatLocalIsoDate, formatLogDate } from "../../http/reply/date.ts";
import { strftime, TIME_FORMAT } from "../../http/reply/strftime.ts";
import { type Row, row } from "./row.ts";

const seconds = (ms: number): string => (ms / 1000).toFixed(3);

export const TIME: readonly Row[] = [
  row("date_gmt", "change", "the time in GMT, in the form that `config timefmt` of SSI says", (e) =>
    strftime(TIME_FORMAT, e.services.clock.second, false),
  ),
  row("date_local", "change", "the time in the server's zone, likewise", (e) =>
    strftime(TIME_FORMAT, e.services.clock.second, true),
  ),
  row("hostname", "head", "the name of the machine, in small letters", (e) => e.services.hostname),
  row("msec", "change", "the time, in seconds since 1970 with milliseconds", (e) =>
    seconds(e.services.kernel.realtime()),
  ),
  row("nginx_version", "head", "the version of Webserv", (e) => e.services.serverToken.replace(/^.*\//, "")),
  row("pid", "head", "the process id of the server", (e) => String(e.services.kernel.getpid())),
  row("request_time", "change", "seconds since the request's first byte, with milliseconds", (e) =>
    seconds(e.services.clock.now - e.startedAt),
  ),
  row("time_iso8601", "change", "the local time as `2026-01-31T12:00:00+00:00`", (e) =>
    formatLocalIsoDate(e.services.clock.second),
  ),
  row("time_local", "change", "the local time as `31/Jan/2026:12:00:00 +0000`", (e) =>
    formatLogDate(e.services.clock.second),
  ),
];
