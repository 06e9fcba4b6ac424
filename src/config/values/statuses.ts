/** What directives about statuses and redirects have in common. */

import type { Scope } from "../scope.ts";
import { quote } from "../text/diagnostics.ts";
import type { Word } from "../text/parser.ts";

/** A status between `least` and 599; undefined: it is none. */
export function parseStatus(text: string, least: number): number | undefined {
  const status = /^\d{3}$/.test(text) ? Number(text) : 0;
  return status >= least && status <= 599 ? status : undefined;
}

/** Once all was read: an error where a `@name` is no location of the server around. */
export function checkNamedLocation(scope: Scope, { text, position }: Word): void {
  const { server } = scope;
  if (!text.startsWith("@") || server === null) return;
  scope.draft.later(() => {
    const known = server.scope.locations.some((location) => location.pattern === text && location.modifier === "@");
    if (!known) scope.error(position, `no location ${quote(text)} in this server`);
  });
}
