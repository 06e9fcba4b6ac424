/** The supported platforms: Linux on x86-64 or arm64, with glibc or musl. Elsewhere the program ends with one line. */
import { dlopen, type FFIFunction, type Library } from "bun:ffi";

/** Whether this is arm64, for which abi.ts lists the few constants and layouts that differ. */
export const arm64 = process.arch === "arm64";

/**
 * Ends the process with one line and exit status 1. Used while modules load, where an exception would show the user a
 * stack trace.
 */
export function refuse(reason: string): never {
  process.stderr.write(`webserv: ${reason}\n`);
  process.exit(1);
}

if (process.platform !== "linux" || !(arm64 || process.arch === "x64")) {
  refuse(`this program runs on Linux on x86-64 and arm64, not on ${process.platform} ${process.arch}`);
}

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
