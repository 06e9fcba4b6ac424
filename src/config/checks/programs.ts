/** Checks of CGI: programs that must not run, and programs that are shown instead of run. Runs when everything has been read. */

import type { Mapping } from "../folders.ts";
import { folderAt, pathOf, reading } from "../folders.ts";
import { collapse, isBeneath } from "../paths.ts";
import type { Draft, Scope } from "../scope.ts";
import { elsewhere, quote } from "../text/diagnostics.ts";

/** Whether a block runs files as programs. */
export function hasCgi(scope: Scope): boolean {
  return (scope.setting("cgi") ?? []).length > 0;
}

/** Checks every block of a configuration. */
export function checkPrograms(draft: Draft): void {
  const scopes = draft.scopes().filter((scope) => scope.server !== null && servesFiles(scope));
  for (const scope of scopes) {
    if (scope.own.upload) checkStore(scope, "upload_store", scope.own.upload.folder, scopes);
    const written = writtenByDav(scope);
    if (written !== null) checkStore(scope, "dav_methods", written, scopes);
    if (scope.own.cgi !== undefined && hasCgi(scope)) checkSource(scope, scopes);
  }
}

function servesFiles(scope: Scope): boolean {
  return scope.own.return === undefined && scope.setting("sessionApi") !== true;
}

/** The folder in which clients may write files by `dav_methods`; null: they may not, or it depends on the request. */
function writtenByDav(scope: Scope): string | null {
  const writes = scope.own.davMethods?.some((method) => method === "PUT" || method === "COPY" || method === "MOVE");
  const read = writes === true ? reading(scope) : null;
  return read === null ? null : ownFolder(scope, read);
}

/** An error where clients could run what they upload. */
function checkStore(
  scope: Scope,
  directive: "upload_store" | "dav_methods",
  store: string,
  scopes: readonly Scope[],
): void {
  const running = scopes.find((other) => hasCgi(other) && runs(other, store));
  if (running === undefined) return;
  const position = scope.seen.get(directive)!;
  const cgi = elsewhere(running.stating("cgi")!.seen.get("cgi")!, position);
  scope.error(
    position,
    `clients could run what they upload: "cgi" (${cgi}) runs files of ${quote(store)} (keep uploads elsewhere, or say "cgi off" where they are served)`,
  );
}

/** Whether a block with `cgi` serves files of a store: it looks in the store, or its own folder lies in it. */
function runs(scope: Scope, store: string): boolean {
  const read = reading(scope);
  if (read === null) return false;
  const own = ownFolder(scope, read);
  if (own !== null && within(own, store, scope) !== null) return scope.location !== null || answers(scope, "/");
  const rest = within(store, read.folder, scope);
  return rest !== null && answers(scope, pathIn(read, rest));
}

/** Warns where a program's source is served, which often holds secrets. A block for only a few paths is skipped: it is unknown which files it runs. */
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

/** Whether a block serves files that another one runs. */
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

/** The folder of a block's own files; for a regular expression, that of the enclosing location. */
function ownFolder(scope: Scope, read: Mapping): string | null {
  const { location } = scope;
  return folderAt(
    read,
    location === null ? "/" : location.modifier === "=" ? location.pattern : pathOf(location, scope),
  );
}

/** The path of a folder beneath a mapping's folder. */
function pathIn({ prefix }: Mapping, rest: string): string {
  return rest === "" || prefix.endsWith("/") ? prefix + rest : `${prefix}/${rest}`;
}

/** The rest of `path` beneath a folder, "" for the folder itself; null: not beneath it, whether links are followed or not. */
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

/** Whether a block answers requests for programs (files with one of these extensions) in the folder of a path. */
function answers(scope: Scope, path: string, names = extensions(scope)): boolean {
  const folder = path.endsWith("/") ? path : `${path}/`;
  return names.some((name) => scope.draft.blockOf(scope.server!, `${folder}x${name === "*" ? "" : name}`) === scope);
}
