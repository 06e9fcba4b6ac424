/** The variables that tables of the configuration compute: `map` and its like. Data only; keys and values are octets (see http/octets.ts). */
import type { Position, Template } from "../parts.ts";

/** The table of one variable. */
export type VariableTable = MapTable;

/** What every table says of its variable. */
interface Table {
  /** Whether the value is computed at each use, instead of once a request. */
  readonly volatile: boolean;
  /** Of the directive. */
  readonly position: Position;
}

/** `map`. */
export interface MapTable extends Table {
  readonly kind: "map";
  readonly source: Template;
  /** Whether sources are host names, whose final dot does not count. */
  readonly hostnames: boolean;
  readonly names: NameTable<Template>;
  /** They are tried in this order. */
  readonly expressions: readonly { readonly regex: RegExp; readonly value: Template }[];
  readonly fallback: Template;
}

/** Values by name, for any case (ASCII): the names are in small letters. */
export interface NameTable<T> {
  readonly exact: ReadonlyMap<string, T>;
  /** `*.x.org`, by ".x.org". */
  readonly leading: ReadonlyMap<string, T>;
  /** `x.*`, by "x.". */
  readonly trailing: ReadonlyMap<string, T>;
}
