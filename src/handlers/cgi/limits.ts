/** The command that runs a script, with its limits. */
import type { CgiLimit } from "../../config/parts.ts";
import { octets } from "../../http/octets.ts";
import type { Script } from "./script.ts";

interface Command {
  /** An absolute path. */
  readonly path: string;
  /** argv, with the name it is called by first. */
  readonly args: string[];
}

const SHELL = "/bin/sh";

/**
 * The interpreter with its arguments and the script's file, or the file itself; all as octets. posix_spawn(3) can't set limits, so
 * under a limit a shell sets it and then executes the program. If the limit can't be set, nothing runs.
 */
export function command({ rule, filename }: Script, limit: CgiLimit | null): Command {
  const file = octets(filename);
  const args = rule.interpreter === null ? [file] : [rule.interpreter, ...rule.args].map(octets).concat(file);
  const limits = limit === null ? "" : ulimits(limit);
  if (limits === "") return { path: args[0]!, args };
  return { path: SHELL, args: [SHELL, "-c", `${limits}exec "$0" "$@"`, ...args] };
}

/** The arguments of `ulimit` in dash and busybox: seconds, KiB of address space, descriptors; soft and hard limits. */
function ulimits({ cpu, memory, files }: CgiLimit): string {
  let text = "";
  if (cpu !== null) text += `ulimit -t ${cpu} && `;
  if (memory !== null) text += `ulimit -v ${Math.ceil(memory / 1024)} && `;
  if (files !== null) text += `ulimit -n ${files} && `;
  return text;
}
