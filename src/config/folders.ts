/** Which folder a block looks in for the files of its paths, on what was read: for the checks. */
import { collapse, join } from "./paths.ts";
import type { LocationDraft, Scope } from "./scope.ts";

/** A folder that paths are looked up in, and the beginning of the path that it takes the place of. */
export interface Mapping {
  readonly folder: string;
  readonly prefix: string;
}

/** Where GET looks in a location; null: it depends on the request. */
export function reading(scope: Scope): Mapping | null {
  const stating = statingFolder(scope);
  if (stating?.own.alias) {
    const { alias, aliasPrefix } = stating.own;
    return alias.constant === null || !aliasPrefix ? null : { folder: alias.constant, prefix: aliasPrefix };
  }
  const root = stating === undefined ? join(scope.draft.prefix, "html") : stating.own.root!.constant;
  return root === null ? null : { folder: `${root}/`, prefix: "/" };
}

/** A root ends an outer alias, and the other way round: the nearer one counts. */
export function statingFolder(scope: Scope): Scope | undefined {
  const { alias, root } = scope.own;
  if (alias !== undefined || root !== undefined) return scope;
  return scope.parent === null ? undefined : statingFolder(scope.parent);
}

/** The folder of a path; null: it is none of the mapping's. */
export function folderAt({ folder, prefix }: Mapping, path: string): string | null {
  return path.startsWith(prefix) ? collapse(folder + path.slice(prefix.length)) : null;
}

/** A path whose folder is a location's: its own, or that of the location around an expression. */
export function pathOf({ modifier, pattern, regex }: LocationDraft, { parent }: Scope): string {
  if (modifier === "=") return `${pattern}/`;
  if (regex === null && modifier !== "@") return pattern;
  return parent?.location ? pathOf(parent.location, parent) : "/";
}
