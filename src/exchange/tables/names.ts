/** Finds names in a table, in nginx's order (ngx_hash_find_combined): the exact one, the longest `*.x.org`, the longest `x.*`. */
import type { NameTable } from "../../config/tables/tables.ts";
import { lowerCase } from "../../http/octets.ts";

/** The value of a name in any case; undefined: the table has none. The time depends on the number of labels only. */
export function findName<T>({ exact, leading, trailing }: NameTable<T>, name: string): T | undefined {
  const small = lowerCase(name);
  const found = exact.get(small);
  if (found !== undefined) return found;
  return (
    (leading.size > 0 ? ending(leading, small) : undefined) ??
    (trailing.size > 0 ? beginning(trailing, small) : undefined)
  );
}

function ending<T>(table: ReadonlyMap<string, T>, name: string): T | undefined {
  for (let dot = name.indexOf("."); dot !== -1; dot = name.indexOf(".", dot + 1)) {
    const found = table.get(name.slice(dot));
    if (found !== undefined) return found;
  }
  return undefined;
}

function beginning<T>(table: ReadonlyMap<string, T>, name: string): T | undefined {
  for (let dot = name.lastIndexOf(".", name.length - 2); dot > 0; dot = name.lastIndexOf(".", dot - 1)) {
    const found = table.get(name.slice(0, dot + 1));
    if (found !== undefined) return found;
  }
  return undefined;
}
