/** Helpers for directives about statuses and redirects. */

import type { Scope } from "../scope.ts";
import { quote } from "../text/diagnostics.ts";
import type { Word } from "../text/parser.ts";

/** A status from `least` to 599; undefined: it is none. */
export function parseStatus(text: string, least: number): number | undefined {
  const status = /^\d{3}$/.test(text) ? Number(text) : 0;
  return status >= least && status <= 599 ? status : undefined;
}

/** When everything has been read: an error if a `@name` is no location of the enclosing server. A name with variables is known at the request only. */
export function checkNamedLocation(scope: Scope, { text, position }: Word): void {
  const { server } = scope;
  if (!text.startsWith("@") || text.includes("$") || server === null) return;
  scope.draft.later(() => {
    const known = server.scope.locations.some((location) => location.pattern === text && location.modifier === "@");
    if (!known) scope.error(position, `no location ${quote(text)} in this server`);
  });
}
