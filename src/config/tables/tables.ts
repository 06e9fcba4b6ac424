/** The variables that tables of the configuration compute: `map`, `geo`, `split_clients`; and the names of `valid_referers`. Data only; keys are octets (see http/octets.ts). */
import type { AccessRule, Position, Template } from "../parts.ts";

/** The table of one variable. */
export type VariableTable = MapTable | GeoTable | SplitTable;

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

/** `geo`. */
export interface GeoTable extends Table {
  readonly kind: "geo";
  /** Gives the address; null: it is the client's. */
  readonly source: Template | null;
  /** Octets; the networks have indices into it. */
  readonly values: readonly string[];
  readonly ipv4: Networks;
  /** null: IPv6 addresses count as 255.255.255.255 (`ranges`). */
  readonly ipv6: Networks | null;
  /** Front servers that are trusted to name the client. */
  readonly proxies: readonly AccessRule["match"][];
  readonly recursive: boolean;
}

/**
 * Values of all addresses of a family: each interval begins at its start and ends before the next. Two flat arrays, because there can be
 * hundreds of thousands.
 */
export interface Networks {
  /** Sorted; each start has 1 word (IPv4) or 4 (IPv6), the most significant first. The first start is 0. */
  readonly starts: Uint32Array;
  /** The index of the value of each interval. */
  readonly values: Uint32Array;
}

/** `split_clients`. */
export interface SplitTable extends Table {
  readonly kind: "split_clients";
  readonly source: Template;
  /** Octets; the first part with a hash below its limit counts. */
  readonly parts: readonly { readonly below: number; readonly value: string }[];
}

/** `valid_referers`. */
export interface ValidReferers {
  /** Whether a request without Referer is valid. */
  readonly none: boolean;
  /** Whether a Referer without `http://` or `https://` is. */
  readonly blocked: boolean;
  /** What the path behind a host must begin with (octets); "": anything. */
  readonly names: NameTable<string>;
  /** Of Referers without their scheme. */
  readonly expressions: readonly RegExp[];
  /** Of their host alone (`server_names`). */
  readonly hostExpressions: readonly RegExp[];
}
