/** Warnings about blocks that do not do what they say: methods that nothing performs, error pages that are not there. */

import { folderAt, reading } from "../folders.ts";
import type { Settings } from "../model.ts";
import type { Position, Template } from "../parts.ts";
import type { Draft, Scope } from "../scope.ts";
import { quote } from "../text/diagnostics.ts";
import { hasCgi } from "./programs.ts";
import { hasSession } from "./sessions.ts";

/** Looks through every block of a configuration that was read. */
export function checkPromises(draft: Draft): void {
  for (const scope of draft.scopes()) {
    checkMethods(scope);
    checkDeletes(scope);
  }
}

/** `allowed_methods` names what nothing in the block performs: such a request is refused all the same. */
function checkMethods(scope: Scope): void {
  const methods = scope.own.allowedMethods;
  const position = scope.seen.get("allowed_methods");
  if (!methods || position === undefined || scope.locations.length > 0 || scope.server === null) return;
  if (scope.own.return !== undefined || hasCgi(scope) || hasSession(scope)) return;
  const warn = (method: string, directive: string): void => {
    if (methods.includes(method))
      scope.warning(position, `"allowed_methods" names ${method}, but without "${directive}" nothing here performs it`);
  };
  if (scope.setting("deleteFiles") !== true && !leadsOn(scope)) warn("DELETE", "delete_files");
  if (!scope.setting("upload") && !leadsOn(scope)) warn("PUT", "upload_store");
}

/** `try_files` or `index` may lead to another block, which then judges. */
const leadsOn = (scope: Scope): boolean => scope.own.tryFiles !== undefined || scope.own.index !== undefined;

/** Warns where the file of an error page is not there. @param uri as written; with variables nobody can tell */
export function checkErrorPage(scope: Scope, uri: Template, position: Position): void {
  if (uri.constant === null || !uri.constant.startsWith("/") || scope.server === null) return;
  const path = uri.constant.replace(/\?.*/s, "");
  const block = scope.draft.blockOf(scope.server, path);
  const mapping = servesFiles(block) ? reading(block) : null;
  const file = mapping === null ? null : folderAt(mapping, path);
  if (file === null || !scope.draft.sources.isMissing(file)) return;
  scope.warning(position, `the error page ${quote(path)} is not there: ${quote(file)} does not exist`);
}

/** Whether a block answers with what lies in its folder, and nothing else. */
function servesFiles(scope: Scope): boolean {
  const others: readonly (keyof Settings)[] = ["tryFiles", "return"];
  return others.every((key) => scope.own[key] === undefined) && !hasCgi(scope) && scope.setting("sessionApi") !== true;
}

/** Who may remove files may remove programs. */
function checkDeletes(scope: Scope): void {
  if (scope.own.deleteFiles !== true || !hasCgi(scope)) return;
  scope.warning(scope.seen.get("delete_files")!, '"delete_files" where "cgi" is on: clients can remove the programs');
}
