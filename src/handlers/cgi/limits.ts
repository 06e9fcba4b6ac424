/** What is executed for a script. */
import type { CgiLimit } from "../../config/parts.ts";
import { octets } from "../../http/octets.ts";
import type { Script } from "./script.ts";

interface Command {
  /** An absolute path. */
  readonly path: string;
  /** argv, the name it is called by included. */
  readonly args: string[];
}

const SHELL = "/bin/sh";

/**
 * The interpreter with the script's file behind its own arguments, or the file itself; all as octets. posix_spawn(3) sets no
 * limits, so under a limit a shell does and then becomes that program: a limit that cannot be set runs nothing.
 */
export function command({ rule, filename }: Script, limit: CgiLimit | null): Command {
  const file = octets(filename);
  const args = rule.interpreter === null ? [file] : [rule.interpreter, ...rule.args].map(octets).concat(file);
  const limits = limit === null ? "" : ulimits(limit);
  if (limits === "") return { path: args[0]!, args };
  return { path: SHELL, args: [SHELL, "-c", `${limits}exec "$0" "$@"`, ...args] };
}

/** For dash and busybox alike: seconds, KiB of address space, descriptors (POSIX has only -f). Both soft and hard. */
function ulimits({ cpu, memory, files }: CgiLimit): string {
  let text = "";
  if (cpu !== null) text += `ulimit -t ${cpu} && `;
  if (memory !== null) text += `ulimit -v ${Math.ceil(memory / 1024)} && `;
  if (files !== null) text += `ulimit -n ${files} && `;
  return text;
}
