/** The zones of `dav_ext_lock_zone` while a configuration is read. They may be defined behind their uses. */
import type { Position } from "../../parts.ts";
import type { LockZone } from "../../settings/dav.ts";

/** nginx's least size of a zone: eight pages. */
export const LEAST_ZONE = 32 * 1024;
const MINUTE = 60_000;

export class LockZonesDraft {
  /** Where each zone is defined. */
  readonly defined = new Map<string, Position>();
  private readonly named = new Map<string, { -readonly [K in keyof LockZone]: LockZone[K] }>();

  /** The zone of a name, which gets its size and timeout when its definition is read. */
  zone(name: string): LockZone {
    let zone = this.named.get(name);
    if (zone === undefined) this.named.set(name, (zone = { name, size: LEAST_ZONE, timeout: MINUTE }));
    return zone;
  }

  /** Defines a zone. */
  define(zone: LockZone, position: Position): void {
    this.defined.set(zone.name, position);
    Object.assign(this.zone(zone.name), zone);
  }
}
