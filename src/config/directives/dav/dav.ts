/** WebDAV: what clients may change in a location's own folder, and how file managers see it. */

import type { Context, Scope } from "../../scope.ts";
import { DAV_EXT_METHODS, DAV_METHODS } from "../../settings/dav.ts";
import { directive, type Row, store } from "../../table.ts";
import { quote } from "../../text/diagnostics.ts";
import type { Word } from "../../text/parser.ts";
import { accessMode } from "../../values/access-mode.ts";
import { flag, number, words } from "../../values/arguments.ts";
import { defineZone, usedZone } from "./lock-zones.ts";

const anywhere: readonly Context[] = ["http", "server", "location"];

export const DAV: readonly Row[] = [
  directive("dav_methods", {
    in: anywhere,
    takes: [words("METHOD...")],
    default: "off",
    syntax: "off | PUT DELETE MKCOL COPY MOVE",
    help: "The WebDAV methods that are answered, for the files that `root` or `alias` leads to: PUT stores the body, MKCOL makes a folder, DELETE, COPY and MOVE work on files and on folders with all within. A folder's path ends with a slash, as in nginx, except where `dav_ext_methods` is on. See [webdav.md](webdav.md).",
    set: (scope, [given]) => {
      scope.own.davMethods = methodsIn(scope, "dav_methods", DAV_METHODS, given);
    },
  }),
  directive("create_full_put_path", {
    in: anywhere,
    takes: [flag],
    default: "off",
    help: "Whether a PUT of `dav_methods` makes the folders that its path lacks. Without it they get 409.",
    set: store("createFullPutPath"),
  }),
  directive("dav_access", {
    in: anywhere,
    takes: [words("USERS:PERMISSIONS...", 1, 3)],
    default: "user:rw",
    help: "Who may read and write the files and folders that WebDAV makes: `user:rw group:rw all:r`.",
    set: (scope, [given]) => {
      const mode = accessMode(scope, "dav_access", given);
      if (mode !== undefined) scope.own.davAccess = mode;
    },
  }),
  directive("min_delete_depth", {
    in: anywhere,
    takes: [number("N", 0)],
    default: "0",
    help: "DELETE by `dav_methods` removes only what has at least so many names in its path: with 4, `/users/00/00/name`, but not `/users/00/00`.",
    set: store("minDeleteDepth"),
  }),
  directive("dav_ext_methods", {
    in: anywhere,
    takes: [words("METHOD...")],
    default: "off",
    syntax: "off | PROPFIND OPTIONS LOCK UNLOCK",
    help: "What file managers need besides `dav_methods` (nginx-dav-ext-module): PROPFIND lists a folder (and, with PUT in `dav_methods`, PROPPATCH sets properties), OPTIONS tells that there is WebDAV, LOCK and UNLOCK need `dav_ext_lock`.",
    set: (scope, [given]) => {
      scope.own.davExtMethods = methodsIn(scope, "dav_ext_methods", DAV_EXT_METHODS, given);
      scope.draft.later(() => checkLocks(scope, given));
    },
  }),
  directive("dav_ext_lock_zone", {
    in: ["http"],
    takes: [words("zone=NAME:SIZE [timeout=TIME]", 1, 2)],
    default: null,
    repeats: true,
    help: "Memory for locks, which last a minute unless `timeout` says otherwise; clients refresh them. They are lost when the server ends, not when it reloads. When the zone is full, LOCK gets 503.",
    set: (scope, [given]) => defineZone(scope, given),
  }),
  directive("dav_ext_lock", {
    in: anywhere,
    takes: [words("zone=NAME", 1, 1)],
    default: null,
    help: "Keeps locks in this zone, and obeys them: PUT, DELETE, MKCOL, COPY, MOVE and PROPPATCH of what another client has locked get 423.",
    set: (scope, [[word]]) => {
      const zone = usedZone(scope, word!);
      if (zone !== null) scope.own.davLock = zone;
    },
  }),
];

/** The methods that words name, in any case as in nginx; after an error all, so that nothing else is told to have no effect. `off` names none. */
function methodsIn(scope: Scope, name: string, known: readonly string[], given: readonly Word[]): readonly string[] {
  const found = new Set<string>();
  for (const { text, position } of given) {
    const method = text.toUpperCase();
    if (method === "OFF" && given.length === 1) return [];
    if (!known.includes(method)) {
      const list = known.join(", ").replace(/, (?=\w+$)/, " and ");
      scope.error(position, `"${name}" expects "off" alone, or some of ${list}, not ${quote(text)}`);
      return known;
    }
    if (found.has(method)) scope.warning(position, `${quote(text)} is repeated`);
    found.add(method);
  }
  return [...found];
}

/** Warns where LOCK would have nowhere to keep a lock: it gets 405, as in nginx. */
function checkLocks(scope: Scope, given: readonly Word[]): void {
  const word = given.find(({ text }) => /^(un)?lock$/i.test(text));
  if (word === undefined || scope.setting("davLock")) return;
  scope.warning(word.position, `${quote(word.text)} has no effect: "dav_ext_lock" names no zone for locks here`);
}
