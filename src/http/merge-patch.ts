/** JSON Merge Patch (RFC 7396). */

/** What JSON.parse gives. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

/**
 * `target` as `patch` changes it; neither is changed itself. Members are copied as data, so that one called `__proto__` is
 * a member like any other. It recurses as deep as the patch is nested: the caller bounds that by the length of its text (a stack
 * holds what 32 KB can nest).
 */
export function mergePatch(target: Json, patch: Json): Json {
  if (!isObject(patch)) return patch;
  const merged = new Map(isObject(target) ? Object.entries(target) : []);
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) merged.delete(name);
    else merged.set(name, mergePatch(merged.get(name) ?? null, value));
  }
  return Object.fromEntries(merged);
}

/** Whether a JSON value is an object: neither an array nor null. */
export function isObject(value: Json): value is { readonly [name: string]: Json } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
