/** The zones of a server's locks by name. They outlive a reload. */
import type { LockZone } from "../../../config/settings/dav.ts";
import { LockTable } from "./lock-table.ts";

export class LockZones {
  private readonly tables = new Map<string, LockTable>();

  /** The locks of a zone. */
  table({ name, size }: LockZone): LockTable {
    let table = this.tables.get(name);
    if (table === undefined) this.tables.set(name, (table = new LockTable(size)));
    table.size = size;
    return table;
  }
}
