/** Defining and naming the zones of `limit_req_zone` and `limit_conn_zone`. */
import type { Scope } from "../../scope.ts";
import type { LimitZone } from "../../settings/limits.ts";
import { elsewhere, quote } from "../../text/diagnostics.ts";
import type { Word } from "../../text/parser.ts";
import { suggestion } from "../../text/suggest.ts";
import { parseSize } from "../../values/arguments.ts";

type Kind = LimitZone["kind"];

/** nginx's least size: eight pages. */
const LEAST = 32 * 1024;

/** The zone of a name for a directive that uses it; it is an error if nothing in the whole file defines it. */
export function useZone(scope: Scope, kind: Kind, { text: name, position }: Word): LimitZone {
  const { limits } = scope.draft;
  scope.draft.later(() => {
    const zone = limits.defined.get(name);
    if (zone === undefined)
      scope.error(position, `unknown zone ${quote(name)}${suggestion(name, [...limits.defined.keys()])}`);
    else if (zone.kind !== kind)
      scope.error(position, `the zone ${quote(name)} is of a "${zone.kind}" (${elsewhere(zone.position, position)})`);
  });
  return limits.of(kind, name);
}

/** Defines the zone of a `zone=NAME:SIZE`. @param rate thousandths of a request per second */
export function defineZone(scope: Scope, kind: Kind, key: Word, { text, position }: Word, rate: number): void {
  const { limits, gateway } = scope.draft;
  const [, name, bytes] = /^zone=([^:]+):(.*)$/s.exec(text) ?? [];
  const size = bytes === undefined ? undefined : parseSize(bytes);
  if (name === undefined || size === undefined)
    return scope.error(position, `"${kind}" expects zone=NAME:SIZE, not ${quote(text)}`);
  if (size < LEAST) return scope.error(position, `the zone ${quote(name)} is too small (at least 32k)`);
  const first = limits.defined.get(name) ?? gateway.caches.get(name);
  if (first !== undefined)
    return scope.error(position, `duplicate zone ${quote(name)} (first on ${elsewhere(first.position, position)})`);
  const template = scope.template(key);
  if (template !== null) limits.define({ kind, name, key: template, size, rate, position });
}
