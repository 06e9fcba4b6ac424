/** The supported platforms: Linux on x86-64 or arm64, with glibc or musl. Elsewhere the program ends with one line. */

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
