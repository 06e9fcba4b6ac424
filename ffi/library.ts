/** Opens shared libraries that have another file name on each system. */
import { dlopen, type FFIFunction, type Library } from "bun:ffi";

/**
 * Opens the first C library of `names` that has all of `functions`.
 * @returns its functions, or in one line why none was found
 */
export function openFirst<Functions extends Record<string, FFIFunction>>(
  names: readonly string[],
  functions: Functions,
): Library<Functions>["symbols"] | string {
  const failures: string[] = [];
  for (const name of names) {
    try {
      return dlopen(name, functions).symbols;
    } catch (error) {
      failures.push((error as Error).message.replaceAll("\n", " "));
    }
  }
  return `no C library with all that it needs was found (${failures.join("; ")})`;
}
