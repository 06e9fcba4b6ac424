/** Warnings about blocks that do not do what they say: allowed methods that nothing implements, error pages that do not exist. */

import { ANSWERERS, ANY_METHOD, type Answerer, isDav, isOn } from "../../routing/answering.ts";
import { folderAt, reading } from "../folders.ts";
import type { Settings } from "../model.ts";
import type { Position, Template } from "../parts.ts";
import type { Draft, Scope } from "../scope.ts";
import { quote } from "../text/diagnostics.ts";
import { hasCgi } from "./programs.ts";

/** Checks every block of a configuration. */
export function checkPromises(draft: Draft): void {
  for (const scope of draft.scopes()) {
    checkMethods(scope);
    checkDeletes(scope);
  }
}

/** Warns where `allowed_methods` names a method that nothing in the block implements: such requests are refused all the same. */
function checkMethods(scope: Scope): void {
  const methods = scope.own.allowedMethods;
  const position = scope.seen.get("allowed_methods");
  if (!methods || position === undefined || scope.locations.length > 0 || scope.server === null) return;
  if (leadsOn(scope)) return;
  const there = ANSWERERS.filter(({ name, setting }) => setting === null || isOn(settingOf(scope, name, setting)));
  if (there.some(({ alone }) => alone)) return; // effects.ts warns about directives that have no effect there
  const performs = (method: string) => (row: Answerer) => row.performs === null || row.performs.includes(method);
  for (const method of methods) {
    if (method === ANY_METHOD || method === "OPTIONS" || there.some(performs(method))) continue;
    const lacking = BY_USE.find(
      (row) => !row.alone && row.name !== "tus" && row.name !== "try_files" && performs(method)(row),
    )!;
    const what = `without "${lacking.name}" nothing here performs it`;
    scope.warning(position, `"allowed_methods" names ${method}, but ${what}`);
  }
}

/** The rows, WebDAV's last: who wants PUT or DELETE alone needs less. */
const BY_USE = ANSWERERS.toSorted((a, b) => Number(isDav(a.name)) - Number(isDav(b.name)));

/** A block does not inherit `return` and `try_files`. */
const settingOf = (scope: Scope, name: string, setting: NonNullable<Answerer["setting"]>): unknown =>
  name === "return" || name === "try_files" ? scope.own[setting] : scope.setting(setting);

/** Whether `try_files` or `index` may redirect to another block, which then judges the method. */
const leadsOn = (scope: Scope): boolean => scope.own.tryFiles !== undefined || scope.own.index !== undefined;

/** Warns where the file of an error page does not exist. @param uri as written; with variables the file is unknown */
export function checkErrorPage(scope: Scope, uri: Template, position: Position): void {
  if (uri.constant === null || !uri.constant.startsWith("/") || scope.server === null) return;
  const path = uri.constant.replace(/\?.*/s, "");
  const block = scope.draft.blockOf(scope.server, path);
  const mapping = servesFiles(block) ? reading(block) : null;
  const file = mapping === null ? null : folderAt(mapping, path);
  if (file === null || !scope.draft.sources.isMissing(file)) return;
  scope.warning(position, `the error page ${quote(path)} is not there: ${quote(file)} does not exist`);
}

/** Whether a block serves the files of its folder and nothing else. */
function servesFiles(scope: Scope): boolean {
  const others: readonly (keyof Settings)[] = ["tryFiles", "return"];
  return others.every((key) => scope.own[key] === undefined) && !hasCgi(scope) && scope.setting("sessionApi") !== true;
}

/** Warns where DELETE could remove programs. */
function checkDeletes(scope: Scope): void {
  if (scope.own.deleteFiles !== true || !hasCgi(scope)) return;
  scope.warning(scope.seen.get("delete_files")!, '"delete_files" where "cgi" is on: clients can remove the programs');
}
