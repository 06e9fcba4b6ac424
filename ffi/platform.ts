/** Where the server runs: Linux on x86-64 or arm64, with glibc or musl. Anywhere else it says so in one line. */

/** Of the two architectures, the one whose few differing constants and layouts abi.ts lists as exceptions. */
export const arm64 = process.arch === "arm64";

/**
 * Ends the process with one line and exit status 1. For what is missing before the program's first line runs: an
 * exception in a module would show its user a stack trace.
 */
export function refuse(reason: string): never {
  process.stderr.write(`webserv: ${reason}\n`);
  process.exit(1);
}

if (process.platform !== "linux" || !(arm64 || process.arch === "x64")) {
  refuse(`this program runs on Linux on x86-64 and arm64, not on ${process.platform} ${process.arch}`);
}
