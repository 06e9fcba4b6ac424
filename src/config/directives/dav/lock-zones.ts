/** The arguments of `dav_ext_lock_zone` and `dav_ext_lock`. */
import type { Scope } from "../../scope.ts";
import type { LockZone } from "../../settings/dav.ts";
import { elsewhere, quote } from "../../text/diagnostics.ts";
import type { Word } from "../../text/parser.ts";
import { suggestion } from "../../text/suggest.ts";
import { parseSize, parseTime } from "../../values/arguments.ts";
import { LEAST_ZONE } from "./draft.ts";

/** The zone of `zone=NAME`; it is an error if nothing defines it. null after an error. */
export function usedZone(scope: Scope, { text, position }: Word): LockZone | null {
  const { lockZones } = scope.draft;
  const name = /^zone=(.+)$/s.exec(text)?.[1];
  if (name === undefined) {
    scope.error(position, `"dav_ext_lock" expects zone=NAME, not ${quote(text)}`);
    return null;
  }
  scope.draft.later(() => {
    if (lockZones.defined.has(name)) return;
    const like = suggestion(name, [...lockZones.defined.keys()]);
    scope.error(position, `no "dav_ext_lock_zone" defines the zone ${quote(name)}${like}`);
  });
  return lockZones.zone(name);
}

/** Defines a zone by the words of its directive. */
export function defineZone(scope: Scope, given: readonly Word[]): void {
  let zone: Word | null = null;
  let timeout: number | undefined = 60_000;
  for (const word of given) {
    const { text, position } = word;
    if (text.startsWith("zone=")) zone = word;
    else if (text.startsWith("timeout=")) {
      timeout = parseTime(text.slice(8));
      if (timeout === undefined || timeout < 1000)
        return scope.error(position, `"dav_ext_lock_zone" expects a time of at least 1s, not ${quote(text)}`);
    } else return scope.error(position, `unknown option ${quote(text)} of "dav_ext_lock_zone"`);
  }
  if (zone === null) return scope.error(given[0]!.position, '"dav_ext_lock_zone" needs zone=NAME:SIZE');
  addZone(scope, zone, timeout);
}

function addZone(scope: Scope, { text, position }: Word, timeout: number): void {
  const [, name, bytes] = /^zone=([^:]+):(.*)$/s.exec(text) ?? [];
  const size = bytes === undefined ? undefined : parseSize(bytes);
  if (name === undefined || size === undefined)
    return scope.error(position, `"dav_ext_lock_zone" expects zone=NAME:SIZE, not ${quote(text)}`);
  if (size < LEAST_ZONE) return scope.error(position, `the zone ${quote(name)} is too small (at least 32k)`);
  const { lockZones } = scope.draft;
  const first = lockZones.defined.get(name);
  if (first !== undefined)
    return scope.error(position, `duplicate zone ${quote(name)} (first on ${elsewhere(first, position)})`);
  lockZones.define({ name, size, timeout }, position);
}
