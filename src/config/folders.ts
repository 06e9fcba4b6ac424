/** Finds the folder in which a block looks up files. For the checks, so it works on what was read. */
import { collapse, join } from "./paths.ts";
import type { LocationDraft, Scope } from "./scope.ts";

/** A folder in which paths are looked up, and the prefix of the path that it replaces. */
export interface Mapping {
  readonly folder: string;
  readonly prefix: string;
}

/** The folder from which GET reads in a location; null: it depends on the request. */
export function reading(scope: Scope): Mapping | null {
  const stating = statingFolder(scope);
  if (stating?.own.alias) {
    const { alias, aliasPrefix } = stating.own;
    return alias.constant === null || !aliasPrefix ? null : { folder: alias.constant, prefix: aliasPrefix };
  }
  const root = stating === undefined ? join(scope.draft.prefix, "html") : stating.own.root!.constant;
  return root === null ? null : { folder: `${root}/`, prefix: "/" };
}

/** The scope that sets `root` or `alias`: each of the two overrides an outer one of the other. */
export function statingFolder(scope: Scope): Scope | undefined {
  const { alias, root } = scope.own;
  if (alias !== undefined || root !== undefined) return scope;
  return scope.parent === null ? undefined : statingFolder(scope.parent);
}

/** The folder of a path; null: the path is outside of the mapping. */
export function folderAt({ folder, prefix }: Mapping, path: string): string | null {
  return path.startsWith(prefix) ? collapse(folder + path.slice(prefix.length)) : null;
}

/** A path in a location's folder: the location's own prefix, or for an expression that of the enclosing location. */
export function pathOf({ modifier, pattern, regex }: LocationDraft, { parent }: Scope): string {
  if (modifier === "=") return `${pattern}/`;
  if (regex === null && modifier !== "@") return pattern;
  return parent?.location ? pathOf(parent.location, parent) : "/";
}
