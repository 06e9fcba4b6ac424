/** Uploads and DELETE: where what clients send is kept, and what they may remove. */

import { namesStaging, type Position, STAGING } from "../parts.ts";
import type { Scope } from "../scope.ts";
import type { Row } from "../table.ts";
import { directive, store } from "../table.ts";
import { quote } from "../text/diagnostics.ts";
import type { Directive } from "../text/parser.ts";
import { atLeastSecond, flag, folder, number, oneOf } from "../values/arguments.ts";

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
  directive("delete_files", {
    in: ["location"],
    takes: [flag],
    default: "off",
    help: "Whether DELETE removes files.",
    set: store("deleteFiles"),
  }),
];

/** Nested locations inherit the folder together with the prefix it belongs to. */
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

/** A missing folder may still come, as with `root`; without it uploads get 500. */
function checkFolder(scope: Scope, path: string, position: Position): void {
  const problem = scope.draft.sources.folderProblem(path, false);
  const readOnly = problem === null ? scope.draft.sources.writeProblem(path) : null;
  if (problem?.missing) scope.warning(position, `upload_store ${quote(path)} ${problem.text}`);
  else if (problem !== null) scope.error(position, `upload_store ${quote(path)} ${problem.text}`);
  else if (readOnly !== null) scope.warning(position, `upload_store ${quote(path)} ${readOnly}`);
}
