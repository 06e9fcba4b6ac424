/** Sessions: what is stored for a visitor, and for how long. */

import type { Position } from "../parts.ts";
import { folderOf } from "../paths.ts";
import type { Context, Scope } from "../scope.ts";
import type { Row } from "../table.ts";
import { directive, store } from "../table.ts";
import { quote } from "../text/diagnostics.ts";
import { atLeastSecond, cookieName, flag, number, sessionStore } from "../values/arguments.ts";

const anywhere: readonly Context[] = ["http", "server", "location"];

export const SESSIONS: readonly Row[] = [
  directive("session", {
    in: anywhere,
    takes: [flag],
    default: "off",
    help: "Gives every visitor a session: an id in a cookie, which nobody can guess.",
    set: store("session"),
  }),
  directive("session_api", {
    in: anywhere,
    takes: [],
    default: null,
    help: "Answers with the session's data: GET gives the JSON, POST changes it by a merge patch (RFC 7396), DELETE ends the session. Includes `session on`.",
    set: (scope) => {
      scope.own.sessionApi = true;
    },
  }),
  directive("session_cookie", {
    in: anywhere,
    takes: [cookieName],
    default: "sid",
    help: "The cookie's name.",
    set: store("sessionCookie"),
  }),
  directive("session_lifetime", {
    in: anywhere,
    takes: [atLeastSecond],
    default: "30m",
    help: "How long after its last use a session ends. Where locations share their sessions, the longest counts.",
    set: store("sessionLifetime"),
  }),
  directive("session_max", {
    in: anywhere,
    takes: [number("N", 1)],
    default: "100000",
    help: "Sessions at once; the one that was not used for longest makes room for another. Where locations share their sessions, the largest counts.",
    set: store("sessionMax"),
  }),
  directive("session_store", {
    in: anywhere,
    takes: [sessionStore],
    default: "memory",
    help: "Where sessions are kept: in memory, which forgets them when the server ends, or in a SQLite database.",
    set: (scope, [file], { args }) => {
      scope.own.sessionStore = file;
      if (file !== null) scope.draft.later(() => checkFile(scope, file, args[0]!.position));
    },
  }),
];

/** Checks the folder of a session file: the file is made at start, and SQLite puts its own files beside it. */
function checkFile(scope: Scope, file: string, position: Position): void {
  const { sources } = scope.draft;
  const folder = folderOf(file);
  const problem = sources.folderProblem(folder, false);
  const unfit = sources.fileProblem(file);
  const readOnly = problem === null ? sources.writeProblem(folder) : null;
  if (problem !== null) scope.error(position, `the folder of session_store ${quote(file)} ${problem.text}`);
  else if (unfit !== null) scope.error(position, `session_store ${quote(file)} ${unfit}`);
  else if (readOnly !== null) scope.warning(position, `the folder of session_store ${quote(file)} ${readOnly}`);
}
