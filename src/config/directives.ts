/** The table of all directives, in the order of the reference. */
import { ACCESS } from "./directives/access.ts";
import { AUTH } from "./directives/auth.ts";
import { CGI } from "./directives/cgi.ts";
import { COMPRESSION } from "./directives/compression.ts";
import { CORE_LOGS, CORE_REPLIES } from "./directives/core/replies.ts";
import { CORE_REQUESTS } from "./directives/core/requests.ts";
import { DAV } from "./directives/dav/dav.ts";
import { FILES } from "./directives/files.ts";
import { ADDITION } from "./directives/filters/addition.ts";
import { CHARSET } from "./directives/filters/charset.ts";
import { SSI } from "./directives/filters/ssi.ts";
import { SUB_FILTER } from "./directives/filters/sub-filter.ts";
import { refusalOf } from "./directives/foreign/refused.ts";
import { WITHOUT_EFFECT } from "./directives/foreign/without-effect.ts";
import { FRONT } from "./directives/front.ts";
import { cacheRows } from "./directives/gateway/cache.ts";
import { commonRows } from "./directives/gateway/common.ts";
import { FASTCGI_ONLY, SCGI_ONLY, UWSGI_ONLY } from "./directives/gateway/params.ts";
import { FASTCGI_PASS, PROXY_PASS, SCGI_PASS, UWSGI_PASS } from "./directives/gateway/pass.ts";
import { PROXY_ONLY } from "./directives/gateway/proxy.ts";
import { AUTH_REQUEST, HEALTH_CHECK, MIRROR, NAMES, STUB_STATUS } from "./directives/gateway/subrequests.ts";
import { UPSTREAM_BLOCK, UPSTREAM_ROWS } from "./directives/gateway/upstream.ts";
import { KEEPALIVE } from "./directives/limits/keepalive.ts";
import { LIMITS } from "./directives/limits/limits.ts";
import { LOCATIONS } from "./directives/locations.ts";
import { LOGS } from "./directives/logs/logs.ts";
import { SMALL_CONTENTS } from "./directives/modules/contents.ts";
import { SECURE_LINK } from "./directives/modules/secure-link.ts";
import { USERID } from "./directives/modules/userid.ts";
import { PROCESS } from "./directives/process.ts";
import { REPLIES } from "./directives/replies.ts";
import { REQUESTS } from "./directives/requests.ts";
import { allowedInIf } from "./directives/rewrite/in-if.ts";
import { REWRITE } from "./directives/rewrite/steps.ts";
import { SERVERS } from "./directives/servers.ts";
import { SESSIONS } from "./directives/sessions.ts";
import { TABLES } from "./directives/tables/tables.ts";
import { TLS } from "./directives/tls/tls.ts";
import { UPSTREAM_TLS } from "./directives/tls/upstream.ts";
import { UPLOADS } from "./directives/uploads.ts";
import type { Family } from "./gateway.ts";
import type { Context } from "./scope.ts";
import type { Row } from "./table.ts";

const FAMILIES: readonly Family[] = ["proxy", "fastcgi", "uwsgi", "scgi"];

const ROWS: readonly (readonly [title: string, rows: readonly Row[]])[] = [
  ["The process", PROCESS],
  ["Servers", SERVERS],
  ["Locations", LOCATIONS],
  ["Rewriting", REWRITE],
  ["Files", [...FILES, ...SMALL_CONTENTS]],
  ["Who may do what", ACCESS],
  ["Passwords", [...AUTH, ...AUTH_REQUEST]],
  ["Uploads and DELETE", UPLOADS],
  ["WebDAV", DAV],
  ["CGI", CGI],
  ["Sessions", SESSIONS],
  ["Passing requests on: HTTP", [PROXY_PASS, ...PROXY_ONLY, ...UPSTREAM_TLS]],
  ["Passing requests on: FastCGI", [FASTCGI_PASS, ...FASTCGI_ONLY]],
  ["Passing requests on: uWSGI and SCGI", [UWSGI_PASS, ...UWSGI_ONLY, SCGI_PASS, ...SCGI_ONLY]],
  ["Passing requests on: what all of them have", FAMILIES.flatMap(commonRows)],
  ["Passing requests on: the cache", FAMILIES.flatMap(cacheRows)],
  ["Upstreams", [UPSTREAM_BLOCK, ...UPSTREAM_ROWS, HEALTH_CHECK, ...NAMES]],
  ["Replies", [...REPLIES, ...CORE_REPLIES]],
  ["Changing replies", [...CHARSET, ...SUB_FILTER, ...ADDITION, ...SSI]],
  ["Variables from tables", TABLES],
  ["Compression", COMPRESSION],
  ["HTTPS", TLS],
  ["Behind a front server", FRONT],
  ["Limits on requests", [...REQUESTS, ...CORE_REQUESTS, ...KEEPALIVE]],
  ["Limits per client or other key", LIMITS],
  ["Links that expire", SECURE_LINK],
  ["Ids of visitors", USERID],
  ["Logs and status", [...LOGS, ...CORE_LOGS, STUB_STATUS, ...MIRROR]],
];

/** The rows by theme. */
export const THEMES = ROWS.map(([title, rows]) => [title, rows.map(allowedInIf)] as const);

const named = (rows: readonly Row[]): Map<string, Row> => new Map(rows.map((row) => [row.name, row]));

/** The rows by name, but for those of `upstream` blocks. */
export const DIRECTIVES: ReadonlyMap<string, Row> = named(
  THEMES.flatMap(([, rows]) => rows.filter((row) => !UPSTREAM_ROWS.includes(row))),
);
const IN_UPSTREAM = named(UPSTREAM_ROWS);

/** The row of a directive in a block; in an `upstream` some names mean something else. */
export function rowOf(name: string, context: Context): Row | undefined {
  const [first, second] = context === "upstream" ? [IN_UPSTREAM, DIRECTIVES] : [DIRECTIVES, IN_UPSTREAM];
  return first.get(name) ?? second.get(name);
}

/** Whether Webserv or nginx has a directive of this name. */
export function isDirective(name: string): boolean {
  return DIRECTIVES.has(name) || IN_UPSTREAM.has(name) || WITHOUT_EFFECT.has(name) || refusalOf(name) !== undefined;
}
