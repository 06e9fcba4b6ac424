/** The limit of descriptors of the process, and the number of connections it allows. */
import { errnoText } from "../../ffi/errno.ts";
import type { Kernel } from "../../ffi/kernel.ts";
import type { Config } from "../config/model.ts";
import type { LogLevel } from "../config/settings/logs.ts";
import { mostForConnections } from "../network/outgoing.ts";

type Log = (level: LogLevel, message: string) => void;

/**
 * Sets `worker_rlimit_nofile` and gives how many connections may be open at once: `worker_connections`, by default what the
 * descriptors allow. If the limit is very low, half is kept for files. As in nginx, a limit that may not be raised is only reported.
 */
export function connectionLimit(kernel: Kernel, config: Config, log: Log): number {
  if (config.workerRlimitNofile !== null) raiseDescriptorLimit(kernel, config.workerRlimitNofile, log);
  const limit = kernel.descriptorLimit();
  const most = mostForConnections(limit);
  const { workerConnections } = config;
  if (workerConnections === null) return most;
  if (workerConnections > most) {
    log("warn", `${workerConnections} worker_connections exceed what ${limit} open files allow: ${most}`);
  }
  return workerConnections;
}

function raiseDescriptorLimit(kernel: Kernel, limit: number, log: Log): void {
  const n = kernel.setDescriptorLimit(limit);
  if (n < 0) log("alert", `setrlimit(RLIMIT_NOFILE, ${limit}) failed (${errnoText(n)})`);
}
