/** Adds names to a table as nginx's ngx_hash_add_key does: exact ones, and with wildcards `*.x.org`, `.x.org` and `x.*`. */
import { lowerCase, octets } from "../../../http/octets.ts";
import type { Position } from "../../parts.ts";
import type { NameTable } from "../../tables/tables.ts";
import { elsewhere, quote } from "../../text/diagnostics.ts";

interface Entry<T> {
  readonly value: T;
  readonly position: Position;
}

/** Names with their values while a table is read. */
export class Names<T> {
  private readonly exact = new Map<string, T>();
  private readonly leading = new Map<string, T>();
  private readonly trailing = new Map<string, T>();
  /** What has been added so far. */
  readonly table: NameTable<T> = { exact: this.exact, leading: this.leading, trailing: this.trailing };
  private readonly places = new Map<string, Position>();

  /** Adds a name as it is. Gives what is wrong; null: nothing. */
  add(name: string, value: T, position: Position): string | null {
    return this.put(this.exact, lowerCase(octets(name)), name, { value, position });
  }

  /** Adds a name that may have a wildcard. Gives what is wrong; null: nothing. */
  addHost(name: string, value: T, position: Position): string | null {
    const host = lowerCase(octets(name));
    const entry = { value, position };
    const stars = host.split("*").length - 1;
    if (stars > 1 || host.includes("..") || host.includes("\0")) return invalid(name);
    if (host.startsWith("*.") && host.length > 2) return this.put(this.leading, host.slice(1), name, entry);
    if (host.endsWith(".*") && host.length > 2) return this.put(this.trailing, host.slice(0, -1), name, entry);
    if (stars > 0) return invalid(name);
    if (!host.startsWith(".") || host.length < 2) return this.put(this.exact, host, name, entry);
    return this.put(this.exact, host.slice(1), name, entry) ?? this.put(this.leading, host, name, entry);
  }

  private put(table: Map<string, T>, key: string, name: string, { value, position }: Entry<T>): string | null {
    const place = table === this.leading ? `*${key}` : table === this.trailing ? `${key}*` : key;
    const first = this.places.get(place);
    if (first !== undefined) return `conflicting parameter ${quote(name)} (first on ${elsewhere(first, position)})`;
    this.places.set(place, position);
    table.set(key, value);
    return null;
  }
}

const invalid = (name: string): string =>
  `invalid hostname or wildcard ${quote(name)}: a "*" stands for whole labels, at the start ("*.x.org") or at the end ("x.*")`;
