/** Programs that CGI should not run, and programs that are shown instead of run. Told when all was read. */

import type { Mapping } from "../folders.ts";
import { folderAt, pathOf, reading } from "../folders.ts";
import { collapse, isBeneath } from "../paths.ts";
import type { Draft, Scope } from "../scope.ts";
import { elsewhere, quote } from "../text/diagnostics.ts";

/** Whether files are run as programs in a block. */
export function hasCgi(scope: Scope): boolean {
  return (scope.setting("cgi") ?? []).length > 0;
}

/** Looks through every block of a configuration that was read. */
export function checkPrograms(draft: Draft): void {
  const scopes = draft.scopes().filter((scope) => scope.server !== null && servesFiles(scope));
  for (const scope of scopes) {
    if (scope.own.upload) checkStore(scope, scope.own.upload.folder, scopes);
    if (scope.own.cgi !== undefined && hasCgi(scope)) checkSource(scope, scopes);
  }
}

function servesFiles(scope: Scope): boolean {
  return scope.own.return === undefined && scope.setting("sessionApi") !== true;
}

/** What a stranger can put into a folder, a stranger must not be able to run. */
function checkStore(scope: Scope, store: string, scopes: readonly Scope[]): void {
  const running = scopes.find((other) => hasCgi(other) && runs(other, store));
  if (running === undefined) return;
  const position = scope.seen.get("upload_store")!;
  const cgi = elsewhere(running.stating("cgi")!.seen.get("cgi")!, position);
  scope.error(
    position,
    `clients could run what they upload: "cgi" (${cgi}) runs files of ${quote(store)} (keep uploads elsewhere, or say "cgi off" where they are served)`,
  );
}

/** Whether a block with `cgi` serves files of a store: it looks in the store, or all it serves lies there. */
function runs(scope: Scope, store: string): boolean {
  const read = reading(scope);
  if (read === null) return false;
  const own = ownFolder(scope, read);
  if (own !== null && within(own, store, scope) !== null) return scope.location !== null || answers(scope, "/");
  const rest = within(store, read.folder, scope);
  return rest !== null && answers(scope, pathIn(read, rest));
}

/** The source of a program often holds secrets. Of a block for a few paths it is not known which files it runs. */
function checkSource(scope: Scope, scopes: readonly Scope[]): void {
  const { location } = scope;
  const read = answers(scope, location === null ? "/" : pathOf(location, scope)) ? reading(scope) : null;
  const own = read === null ? null : ownFolder(scope, read);
  if (own === null) return;
  const showing = scopes.find((other) => !isClosed(other) && !other.setting("upload") && shows(other, own, scope));
  if (showing === undefined) return;
  const position = scope.seen.get("cgi")!;
  const place = showing.location ?? showing.server!;
  const what = showing.location === null ? "the server" : `location ${quote(showing.location.pattern)}`;
  scope.warning(
    position,
    `clients could fetch the source of programs: ${what} (${elsewhere(place.position, position)}) serves ${quote(own)} without this "cgi"`,
  );
}

function isClosed(scope: Scope): boolean {
  const isForNobody = scope.setting("access")?.some(({ allow, match }) => !allow && match === "all") ?? false;
  return isForNobody || scope.setting("internal") === true;
}

/** Whether a block gives away files that another one runs. */
function shows(scope: Scope, folder: string, running: Scope): boolean {
  const read = reading(scope);
  const rest = read === null ? null : within(folder, read.folder, scope);
  const shown = extensions(running).filter(
    (name) => !extensions(scope).some((own) => own === "*" || name.endsWith(own)),
  );
  return rest !== null && answers(scope, pathIn(read!, rest), shown);
}

function extensions(scope: Scope): string[] {
  return (scope.setting("cgi") ?? []).map(({ extension }) => extension);
}

/** The folder of the files of a block itself: an expression's is that of the location around it. */
function ownFolder(scope: Scope, read: Mapping): string | null {
  const { location } = scope;
  return folderAt(
    read,
    location === null ? "/" : location.modifier === "=" ? location.pattern : pathOf(location, scope),
  );
}

/** The path of a folder beneath a mapping's. */
function pathIn({ prefix }: Mapping, rest: string): string {
  return rest === "" || prefix.endsWith("/") ? prefix + rest : `${prefix}/${rest}`;
}

/** What follows a folder in a path beneath it, "" for itself; null: it is not beneath, links followed or not. */
function within(path: string, folder: string, { draft }: Scope): string | null {
  const { sources } = draft;
  for (const [inner, outer] of [
    [collapse(path), collapse(folder)],
    [sources.realPath(path), sources.realPath(folder)],
  ] as const) {
    if (isBeneath(inner, outer)) return inner.slice(outer.length).replace(/^\//, "");
  }
  return null;
}

/** Whether a block is the one that answers for a program, with one of these extensions, in the folder of a path. */
function answers(scope: Scope, path: string, names = extensions(scope)): boolean {
  const folder = path.endsWith("/") ? path : `${path}/`;
  return names.some((name) => scope.draft.blockOf(scope.server!, `${folder}x${name === "*" ? "" : name}`) === scope);
}
