/** Warnings about sessions: a database that clients can reach, cookies that browsers drop. Runs when everything has been read. */

import { reading } from "../folders.ts";
import { collapse, isBeneath } from "../paths.ts";
import type { Draft, Scope } from "../scope.ts";
import { quote } from "../text/diagnostics.ts";

/** Checks every block of a configuration. */
export function checkSessions(draft: Draft): void {
  const scopes = draft.scopes();
  checkStores(scopes);
  for (const scope of scopes) {
    if (scope.own.sessionApi === true) checkWidth(scope);
    if (scope.own.sessionCookie !== undefined) checkCookie(scope, scope.own.sessionCookie);
    checkDatabase(scope, scopes);
  }
}

/** Whether requests here have a session. */
export function hasSession(scope: Scope): boolean {
  return scope.setting("session") === true || scope.setting("sessionApi") === true;
}

/** Warns where two stores share a host and a cookie's name: each store replaces ids that the other has issued. */
function checkStores(scopes: readonly Scope[]): void {
  const first = new Map<string, Scope>();
  const told = new Set<Scope>();
  for (const scope of scopes) {
    if (scope.server === null || !hasSession(scope)) continue;
    const cookie = scope.setting("sessionCookie") ?? "sid";
    const key = `${scope.server.names[0]?.word.text ?? ""}\n${cookie}`;
    const other = first.get(key) ?? scope;
    first.set(key, other);
    const stating = scope.stating("sessionStore") ?? other.stating("sessionStore");
    if (storeOf(scope) === storeOf(other) || stating === undefined || told.has(stating)) continue;
    told.add(stating);
    stating.warning(
      stating.seen.get("session_store")!,
      `the cookie ${quote(cookie)} stands for sessions in ${storeOf(other)} and for others in ${storeOf(scope)}: each store ends the other's`,
    );
  }
}

function storeOf(scope: Scope): string {
  const file = scope.setting("sessionStore");
  return file ? quote(file) : "memory";
}

/** Warns about `session_api` outside of a location. */
function checkWidth(scope: Scope): void {
  if (scope.context === "location") return;
  scope.warning(
    scope.seen.get("session_api")!,
    '"session_api" outside of a location answers every path with the session\'s data',
  );
}

/** Warns about cookie names that browsers accept only over HTTPS (RFC 6265bis §4.1.3). */
function checkCookie(scope: Scope, name: string): void {
  if (!/^__(?:host|secure)-/i.test(name)) return;
  scope.warning(
    scope.seen.get("session_cookie")!,
    `browsers refuse a cookie named ${quote(name)} without its attribute Secure, which needs TLS`,
  );
}

/** Warns where a session database lies among the files that clients can fetch or upload. */
function checkDatabase(scope: Scope, scopes: readonly Scope[]): void {
  const file = scope.own.sessionStore;
  const position = scope.seen.get("session_store");
  if (!file || position === undefined) return;
  const folder = scopes.map((other) => servedFolder(other, file)).find((found) => found !== undefined);
  if (folder !== undefined) {
    scope.warning(position, `clients could fetch this database: it lies beneath ${quote(folder)}, which is served`);
  }
  const store = scopes.map(({ own }) => own.upload).find((upload) => upload && isBeneath(file, upload.folder));
  if (store) {
    scope.warning(
      position,
      `clients could replace this database: it lies beneath the upload_store ${quote(store.folder)}`,
    );
  }
}

/** The folder from which a block serves a file; undefined: it does not serve it. */
function servedFolder(scope: Scope, file: string): string | undefined {
  const read = scope.server === null || scope.own.return !== undefined ? null : reading(scope);
  if (read === null || !isBeneath(file, read.folder)) return undefined;
  const below = collapse(file).slice(collapse(read.folder).length);
  return below.includes("/.") && scope.setting("dotfiles") !== "allow" ? undefined : collapse(read.folder);
}
