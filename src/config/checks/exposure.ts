/** Warnings about folders: uploads that GET cannot find, and files that clients could replace or remove by mistake. */

import { folderAt, pathOf, reading, statingFolder } from "../folders.ts";
import type { Template } from "../parts.ts";
import { collapse, isBeneath, join } from "../paths.ts";
import type { Draft, LocationDraft, Scope } from "../scope.ts";
import { quote } from "../text/diagnostics.ts";

/** Checks every block of a configuration. */
export function checkExposure(draft: Draft): void {
  for (const scope of draft.scopes()) {
    checkMapping(scope);
    checkDefaultRoot(scope);
    checkConfiguration(scope);
  }
}

/** Warns where GET and DELETE look in another folder than uploads are stored in. Only for blocks that set one of the two. */
function checkMapping(scope: Scope): void {
  const upload = scope.setting("upload");
  const { location, own } = scope;
  if (!upload || location === null || own.return !== undefined || scope.setting("sessionApi") === true) return;
  const name = ["upload_store", "alias", "root"].find((one) => scope.seen.has(one));
  if (name === undefined) return;
  const warn = (to: string, from: string): void =>
    scope.warning(scope.seen.get(name)!, `uploads go to ${quote(to)}, but GET and DELETE look in ${quote(from)} here`);
  if (own.alias && location.regex !== null) {
    const whole = `${upload.folder}$uri`;
    if (upload.prefix === "/" && text(own.alias) !== whole) warn(whole, text(own.alias));
    return;
  }
  const path = pathOf(location, scope);
  const read = reading(beside(location, scope));
  const written = folderAt({ folder: slashed(upload.folder, upload.prefix), prefix: upload.prefix }, path);
  const found = read === null ? null : folderAt(read, path);
  if (written === null || found === null || scope.draft.sources.isSameFolder(written, found)) return;
  warn(written, found);
}

/** A template as written. */
function text({ parts }: Template): string {
  return parts.map((part) => (typeof part === "string" ? part : `$${part.variable}`)).join("");
}

/** The scope that serves the files uploaded to an exact location: its own path is no prefix of theirs. */
function beside({ modifier, pattern }: LocationDraft, scope: Scope): Scope {
  if (modifier !== "=") return scope;
  return (
    scope.parent?.locations.find((other) => other.pattern === `${pattern}/` && other.regex === null)?.scope ?? scope
  );
}

/** The store's folder as an alias would name it: with a final slash where the prefix has one. */
function slashed(folder: string, prefix: string): string {
  return prefix.endsWith("/") ? `${folder}/` : folder;
}

/** Warns about changes in the default root, which are hardly intended. */
function checkDefaultRoot(scope: Scope): void {
  if (scope.own.return !== undefined || statingFolder(scope) !== undefined) return;
  const folder = quote(collapse(reading(scope)!.folder));
  const warn = (name: string, what: string): void =>
    scope.warning(scope.seen.get(name)!, `"${name}" without "root" or "alias": ${what} the default root ${folder}`);
  if (scope.own.deleteFiles === true) warn("delete_files", "DELETE removes files of");
  if (scope.context === "location" && scope.own.davMethods?.length) warn("dav_methods", "clients change");
}

/** Warns where a client could replace or remove the server's own configuration. */
function checkConfiguration(scope: Scope): void {
  const { upload, deleteFiles, davMethods } = scope.own;
  const isDav = davMethods !== undefined && davMethods.length > 0;
  if (upload) warnOfHarm(scope, "upload_store", "replace", upload.folder);
  const read = deleteFiles === true || isDav ? reading(scope) : null;
  const { regex, pattern } = scope.location ?? { regex: null, pattern: "/" };
  const folder = read === null ? null : folderAt(read, regex === null ? pattern : "/");
  if (folder !== null && deleteFiles === true) warnOfHarm(scope, "delete_files", "remove", folder);
  if (folder !== null && isDav) warnOfHarm(scope, "dav_methods", "change", folder);
}

function warnOfHarm(scope: Scope, directive: string, verb: string, folder: string): void {
  const { sources } = scope.draft;
  const working = sources.workingFolder();
  const file = sources.files.find(({ name }) => isBeneath(join(working, name), folder));
  if (file === undefined) return;
  const what = `${quote(file.name)} lies beneath ${quote(collapse(folder))}`;
  scope.warning(scope.seen.get(directive)!, `clients could ${verb} the configuration: ${what}`);
}
