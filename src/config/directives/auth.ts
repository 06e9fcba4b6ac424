/** Passwords: where they are required, and the files that contain them. */

import type { Template } from "../parts.ts";
import { folderOf } from "../paths.ts";
import type { Context, Scope } from "../scope.ts";
import { directive, type Row, store } from "../table.ts";
import { quote } from "../text/diagnostics.ts";
import { oneOf, template, time } from "../values/arguments.ts";
import { absoluteTemplate } from "../values/template.ts";

const anywhere: readonly Context[] = ["http", "server", "location", "limit_except"];

export const AUTH: readonly Row[] = [
  directive("auth_basic", {
    in: anywhere,
    takes: [template("REALM | off")],
    default: "off",
    help: "Asks for a user and a password of `auth_basic_user_file` (RFC 7617); browsers show the realm. Within `limit_except`, it applies to the methods that are not excepted. Without HTTPS, passwords can be read in transit.",
    set: (scope, [realm], { position }) => {
      scope.own.authBasic = realm.constant === "off" ? null : realm;
      if (realm.constant !== "off") scope.draft.later(() => checkFile(scope, position));
    },
  }),
  directive("auth_basic_user_file", {
    in: anywhere,
    takes: [template("FILE")],
    default: null,
    help: "The file of users and password hashes, one line `user:hash` each: bcrypt, `$apr1$`, `$5$`, `$6$`, `{SHA}`, `{SSHA}` or `{PLAIN}`. A relative path is beneath the configuration's folder, or the prefix. Made by `webserv passwd` or htpasswd, read again when it has changed.",
    set: (scope, [file], { args }) => {
      const path = absoluteTemplate(file, folderFor(scope, file), false);
      scope.own.authUserFile = path;
      const problem = path.constant === null ? null : fileProblem(scope, path.constant);
      if (problem !== null) scope.warning(args[0]!.position, `auth_basic_user_file ${quote(file.text)} ${problem}`);
    },
  }),
  directive("satisfy", {
    in: ["http", "server", "location"],
    takes: [oneOf("all", "any")],
    default: "all",
    help: "Whether a client needs both an address that `allow` and `deny` admit and a password (`all`), or one of the two is enough (`any`).",
    set: store("satisfy"),
  }),
  directive("auth_delay", {
    in: ["http", "server", "location"],
    takes: [time],
    default: "0s",
    help: "How long a 401 of `auth_basic` or `auth_request` is kept back. Wrong passwords are kept back for a growing time in any case.",
    set: store("authDelay"),
  }),
];

/** The folder that a relative path is beneath: that of the main file, as in nginx, where the file is there or a variable names it; else the prefix. */
function folderFor({ draft: { prefix, sources } }: Scope, { constant, parts }: Template): string {
  const first = constant ?? parts[0] ?? "";
  const beside = typeof first !== "string" || !sources.isMissing(sources.beside(constant ?? folderOf(first)));
  return beside ? sources.beside("") : prefix;
}

/** What is wrong with a password file; only worth a warning, because the file may be created later. Until then requests get an error. */
function fileProblem({ draft: { sources } }: Scope, path: string): string | null {
  return sources.isMissing(path) ? "does not exist" : sources.fileProblem(path);
}

type Position = Parameters<Scope["error"]>[0];

/** Warns where `auth_basic` has no file: nginx lets everybody in there. */
function checkFile(scope: Scope, position: Position): void {
  if (scope.setting("authUserFile") !== undefined || hasFile(scope)) return;
  scope.error(position, '"auth_basic" needs "auth_basic_user_file", which is missing here');
}

const hasFile = ({ own, locations }: Scope): boolean =>
  own.authUserFile !== undefined ||
  own.limitExcept?.auth.authUserFile !== undefined ||
  locations.some(({ scope }) => hasFile(scope));
