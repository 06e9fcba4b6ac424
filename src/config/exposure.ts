/** Warnings about folders: uploads that GET does not find, files that clients could replace or remove by mistake. */
import { quote } from "./diagnostics.ts";
import type { Template } from "./model.ts";
import { collapse, isBeneath, join } from "./paths.ts";
import type { Draft, LocationDraft, Scope } from "./scope.ts";

/** Looks through every block of a configuration that was read. */
export function checkExposure(draft: Draft): void {
  for (const scope of draft.scopes()) {
    checkMapping(scope);
    checkDefaultRoot(scope);
    checkConfiguration(scope);
  }
}

/** A folder that paths are looked up in, and the beginning of the path that it takes the place of. */
export interface Mapping {
  readonly folder: string;
  readonly prefix: string;
}

/** Where GET looks in a location; null: it depends on the request. */
export function reading(scope: Scope): Mapping | null {
  const stating = statingFolder(scope);
  if (stating?.own.alias) {
    const { alias, aliasPrefix } = stating.own;
    return alias.constant === null || !aliasPrefix ? null : { folder: alias.constant, prefix: aliasPrefix };
  }
  const root = stating === undefined ? join(scope.draft.prefix, "html") : stating.own.root!.constant;
  return root === null ? null : { folder: `${root}/`, prefix: "/" };
}

/** A root ends an outer alias, and the other way round: the nearer one counts. */
function statingFolder(scope: Scope): Scope | undefined {
  const { alias, root } = scope.own;
  return alias !== undefined || root !== undefined
    ? scope
    : scope.parent === null
      ? undefined
      : statingFolder(scope.parent);
}

/** The folder of a path; null: it is none of the mapping's. */
export function folderAt({ folder, prefix }: Mapping, path: string): string | null {
  return path.startsWith(prefix) ? collapse(folder + path.slice(prefix.length)) : null;
}

/** Warns where what was uploaded is not what GET and DELETE find; only in blocks that say something about it. */
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

/** A template as it would be written. */
function text({ parts }: Template): string {
  return parts.map((part) => (typeof part === "string" ? part : `$${part.variable}`)).join("");
}

/** A path whose folder is a location's: its own, or that of the location around an expression. */
export function pathOf({ modifier, pattern, regex }: LocationDraft, { parent }: Scope): string {
  if (modifier === "=") return `${pattern}/`;
  if (regex === null && modifier !== "@") return pattern;
  return parent?.location ? pathOf(parent.location, parent) : "/";
}

/** Where the files are served that an exact location takes: its own path ends before their names. */
function beside({ modifier, pattern }: LocationDraft, scope: Scope): Scope {
  if (modifier !== "=") return scope;
  return (
    scope.parent?.locations.find((other) => other.pattern === `${pattern}/` && other.regex === null)?.scope ?? scope
  );
}

/** The store as an alias would say it: with a slash at its end where the prefix has one. */
function slashed(folder: string, prefix: string): string {
  return prefix.endsWith("/") ? `${folder}/` : folder;
}

/** DELETE in a folder that nobody named is hardly meant. */
function checkDefaultRoot(scope: Scope): void {
  if (scope.own.deleteFiles !== true || scope.own.return !== undefined || statingFolder(scope) !== undefined) return;
  const { folder } = reading(scope)!;
  scope.warning(
    scope.seen.get("delete_files")!,
    `"delete_files" without "root" or "alias": DELETE removes files of the default root ${quote(collapse(folder))}`,
  );
}

/** Warns where a client could replace or remove the server's own configuration. */
function checkConfiguration(scope: Scope): void {
  const { upload, deleteFiles } = scope.own;
  if (upload) warnOfHarm(scope, "upload_store", "replace", upload.folder);
  const read = deleteFiles === true ? reading(scope) : null;
  const { regex, pattern } = scope.location ?? { regex: null, pattern: "/" };
  const folder = read === null ? null : folderAt(read, regex === null ? pattern : "/");
  if (folder !== null) warnOfHarm(scope, "delete_files", "remove", folder);
}

function warnOfHarm(scope: Scope, directive: string, verb: string, folder: string): void {
  const { sources } = scope.draft;
  const working = sources.workingFolder();
  const file = sources.files.find(({ name }) => isBeneath(join(working, name), folder));
  if (file === undefined) return;
  const what = `${quote(file.name)} lies beneath ${quote(collapse(folder))}`;
  scope.warning(scope.seen.get(directive)!, `clients could ${verb} the configuration: ${what}`);
}
