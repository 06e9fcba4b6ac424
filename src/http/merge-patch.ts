/** JSON Merge Patch (RFC 7396). */

/** A result of JSON.parse. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

/**
 * Applies `patch` to `target` and gives the result; neither argument is changed. A member called `__proto__` is an ordinary
 * member. The recursion is as deep as the patch is nested, so the caller must limit the patch's length (the stack holds the
 * nesting of 32 KB).
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

/** Whether a JSON value is an object, not an array or null. */
export function isObject(value: Json): value is { readonly [name: string]: Json } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
