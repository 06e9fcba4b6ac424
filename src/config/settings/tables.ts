/** Settings of tables: what `valid_referers` says. Data only. */
import type { ValidReferers } from "../tables/tables.ts";

export interface TableSettings {
  /** null: every Referer is valid. */
  readonly validReferers: ValidReferers | null;
}
