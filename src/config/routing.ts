/** Which block of a server answers a path, on what was read: the order of src/routing/router.ts. */
import type { LocationDraft, Scope, ServerDraft } from "./scope.ts";

/** The block for a decoded, normalised path. */
export function blockOf(server: ServerDraft, path: string): Scope {
  return find(server.scope.locations, path)?.scope ?? server.scope;
}

function find(locations: readonly LocationDraft[], path: string): LocationDraft | null {
  const exact = locations.find(({ modifier, pattern }) => modifier === "=" && pattern === path);
  if (exact !== undefined) return exact;
  const prefix = longestPrefix(locations, path);
  const nested = prefix === null ? null : find(prefix.scope.locations, path);
  if (nested !== null && (isWithinRegex(nested, prefix!) || nested.modifier === "=")) return nested;
  const regex = prefix?.modifier === "^~" ? undefined : locations.find((one) => one.regex?.test(path));
  if (regex !== undefined) return find(regex.scope.locations, path) ?? regex;
  return nested ?? prefix;
}

function longestPrefix(locations: readonly LocationDraft[], path: string): LocationDraft | null {
  let longest: LocationDraft | null = null;
  for (const location of locations) {
    const { modifier, pattern } = location;
    if (modifier !== "" && modifier !== "^~") continue;
    if (path.startsWith(pattern) && pattern.length > (longest?.pattern.length ?? -1)) longest = location;
  }
  return longest;
}

/** Whether a regular expression decided, on the way from a location to one nested in it. */
function isWithinRegex(inner: LocationDraft, outer: LocationDraft): boolean {
  if (inner === outer) return false;
  const around = inner.scope.parent?.location ?? null;
  return inner.regex !== null || (around !== null && isWithinRegex(around, outer));
}
