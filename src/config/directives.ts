/** The table of all directives, in the order of the reference. */
import { ACCESS } from "./directives/access.ts";
import { AUTH } from "./directives/auth.ts";
import { CGI } from "./directives/cgi.ts";
import { COMPRESSION } from "./directives/compression.ts";
import { FILES } from "./directives/files.ts";
import { refusalOf, WITHOUT_EFFECT } from "./directives/foreign.ts";
import { FRONT } from "./directives/front.ts";
import { LOCATIONS } from "./directives/locations.ts";
import { LOGS } from "./directives/logs.ts";
import { PROCESS } from "./directives/process.ts";
import { REPLIES } from "./directives/replies.ts";
import { REQUESTS } from "./directives/requests.ts";
import { SERVERS } from "./directives/servers.ts";
import { SESSIONS } from "./directives/sessions.ts";
import { UPLOADS } from "./directives/uploads.ts";
import type { Row } from "./table.ts";

/** The rows by theme. */
export const THEMES: readonly (readonly [title: string, rows: readonly Row[]])[] = [
  ["The process", PROCESS],
  ["Servers", SERVERS],
  ["Locations", LOCATIONS],
  ["Files", FILES],
  ["Who may do what", ACCESS],
  ["Passwords", AUTH],
  ["Uploads and DELETE", UPLOADS],
  ["CGI", CGI],
  ["Sessions", SESSIONS],
  ["Replies", REPLIES],
  ["Compression", COMPRESSION],
  ["Behind a front server", FRONT],
  ["Limits on requests", REQUESTS],
  ["Logs", LOGS],
];

/** The rows by name. */
export const DIRECTIVES: ReadonlyMap<string, Row> = new Map(
  THEMES.flatMap(([, rows]) => rows.map((row) => [row.name, row] as const)),
);

/** Whether Webserv or nginx has a directive of this name. */
export function isDirective(name: string): boolean {
  return DIRECTIVES.has(name) || WITHOUT_EFFECT.has(name) || refusalOf(name) !== undefined;
}
