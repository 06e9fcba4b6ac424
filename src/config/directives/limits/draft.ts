/** The zones of `limit_req_zone` and `limit_conn_zone` while a configuration is read. */
import type { LimitZone } from "../../settings/limits.ts";

/** A zone that was named: complete once it is defined. */
type ZoneDraft = { -readonly [K in keyof LimitZone]: LimitZone[K] };

export class LimitZonesDraft {
  private readonly named = new Map<string, ZoneDraft>();
  /** Those that are defined, by name. */
  readonly defined = new Map<string, LimitZone>();

  /** The zone of a name. It may be defined behind its uses. */
  of(kind: LimitZone["kind"], name: string): LimitZone {
    return this.draft(kind, name);
  }

  private draft(kind: LimitZone["kind"], name: string): ZoneDraft {
    const id = `${kind} ${name}`;
    let zone = this.named.get(id);
    if (zone === undefined) {
      const nowhere = { file: "", line: 0, column: 0 };
      zone = { kind, name, key: { text: "", parts: [], constant: "" }, size: 0, rate: 0, position: nowhere };
      this.named.set(id, zone);
    }
    return zone;
  }

  define({ kind, name, ...rest }: LimitZone): void {
    this.defined.set(name, Object.assign(this.draft(kind, name), rest));
  }
}
