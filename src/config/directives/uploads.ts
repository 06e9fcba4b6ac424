/** Uploads and DELETE: where uploads are stored, and what clients may remove. */

import { namesStaging, type Position, STAGING } from "../parts.ts";
import type { Scope } from "../scope.ts";
import type { Row } from "../table.ts";
import { directive, store } from "../table.ts";
import { quote } from "../text/diagnostics.ts";
import type { Directive } from "../text/parser.ts";
import { atLeastSecond, flag, folder, kind, many, number, oneOf } from "../values/arguments.ts";

/** An origin as browsers write it (RFC 6454 §6.2), `*` or `off`. */
const origin = kind("ORIGIN", `origins such as "https://app.example.org", "*" or "off"`, (text) => {
  if (text === "*" || text === "off") return text;
  if (!/^[a-z][a-z0-9+.-]*:\/\/[^\s/?#@]+$/i.test(text)) return undefined;
  if (!/^https?:/i.test(text)) return text.toLowerCase();
  return URL.canParse(text) ? new URL(text).origin : undefined;
});

export const UPLOADS: readonly Row[] = [
  directive("upload_store", {
    in: ["location"],
    takes: [folder],
    default: "off",
    help: "Takes uploads into this folder: PUT, POST of a form or of a file's content, and uploads that can be resumed (tus 1.0). A file's name there is what follows the location's prefix (the whole path, where that is a regular expression). GET and DELETE look where `root` or `alias` says, so that should be the same folder. `off` takes none where an outer location does.",
    set: setStore,
  }),
  directive("upload_overwrite", {
    in: ["location"],
    takes: [oneOf("rename", "replace", "refuse")],
    default: "rename",
    help: "What a POST does when its file's name is taken: store it under another (`name-1.txt`), replace the file, or answer 409. PUT always replaces, except with `refuse`.",
    set: store("uploadOverwrite"),
  }),
  directive("upload_max_files", {
    in: ["location"],
    takes: [number("N", 1)],
    default: "100",
    help: "Files in one form; more are refused with 413.",
    set: store("uploadMaxFiles"),
  }),
  directive("upload_resume_lifetime", {
    in: ["location"],
    takes: [atLeastSecond],
    default: "24h",
    help: "How long after its last byte an interrupted upload can be resumed; then it is removed.",
    set: store("uploadResumeLifetime"),
  }),
  directive("upload_cors", {
    in: ["location"],
    takes: [many(origin)],
    default: "off",
    syntax: "off | * | ORIGIN...",
    help: "Lets pages of other sites upload here: those of these origins (`https://app.example.org`), or of any (`*`). Their browsers' preflights (OPTIONS) are answered, without asking for a password, and every reply, errors included, tells what such a page may read (`Access-Control-Expose-Headers`: the fields of tus, Location). Where origins are named, replies have `Vary: Origin`. Browsers then send no cookies.",
    set: setOrigins,
  }),
  directive("delete_files", {
    in: ["location"],
    takes: [flag],
    default: "off",
    help: "Whether DELETE removes files.",
    set: store("deleteFiles"),
  }),
];

function setOrigins(scope: Scope, [origins]: [string[]], { args }: Directive): void {
  const alone = origins.findIndex((text) => text === "*" || text === "off");
  if (alone >= 0 && origins.length > 1) {
    return scope.error(args[alone]!.position, `"upload_cors" takes ${quote(origins[alone]!)} only alone`);
  }
  scope.own.uploadCors = origins[0] === "off" ? null : origins;
}

/** Stores the folder together with the location's prefix; nested locations inherit both. */
function setStore(scope: Scope, [path]: [string | null], { args }: Directive): void {
  const { location } = scope;
  const isPath = location !== null && location.regex === null && location.modifier !== "@";
  scope.own.upload = null;
  if (path === null) return;
  const { position } = args[0]!;
  if (namesStaging(path)) {
    const why = `"${STAGING}" is the folder in a store where unfinished uploads lie`;
    return scope.error(position, `upload_store ${quote(path)} can't be one: ${why}`);
  }
  scope.own.upload = { folder: path, prefix: isPath ? location.pattern : "/" };
  scope.draft.later(() => checkFolder(scope, path, position));
}

/** Warns about a missing folder. It may be created later, as with `root`; until then uploads get 500. */
function checkFolder(scope: Scope, path: string, position: Position): void {
  const problem = scope.draft.sources.folderProblem(path, false);
  const readOnly = problem === null ? scope.draft.sources.writeProblem(path) : null;
  if (problem?.missing) scope.warning(position, `upload_store ${quote(path)} ${problem.text}`);
  else if (problem !== null) scope.error(position, `upload_store ${quote(path)} ${problem.text}`);
  else if (readOnly !== null) scope.warning(position, `upload_store ${quote(path)} ${readOnly}`);
}
