/** How many descriptors the process may have, and how many connections that allows. */
import { errnoText } from "../../ffi/errno.ts";
import type { Kernel } from "../../ffi/kernel.ts";
import type { Config } from "../config/model.ts";
import type { LogLevel } from "../config/parts.ts";

/** Descriptors left for files, logs and the like when connections take the rest. */
const SPARE_DESCRIPTORS = 64;

type Log = (level: LogLevel, message: string) => void;

/**
 * Sets `worker_rlimit_nofile` and gives how many connections may be open at once: `worker_connections`, by default what the
 * descriptors allow; of very few, half are kept for files. A limit that may not be raised is reported and lived with, as in nginx.
 */
export function connectionLimit(kernel: Kernel, config: Config, log: Log): number {
  if (config.workerRlimitNofile !== null) raiseDescriptorLimit(kernel, config.workerRlimitNofile, log);
  const limit = kernel.descriptorLimit();
  const most = Math.max(limit - SPARE_DESCRIPTORS, limit >> 1);
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
