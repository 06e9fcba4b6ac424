/**
 * Measures the CPU time of a server and all processes it starts, by a control group (cgroups(7), version 2).
 *
 * The process tree in /proc lacks children that have ended. The kernel adds their time to the parent only if the parent waits for
 * them, and Apache's mod_cgid ignores SIGCHLD. A control group counts all of them.
 */
import { existsSync, mkdirSync, readFileSync, rmdirSync } from "node:fs";
import { join } from "node:path";
import type { CpuTime } from "./measure.ts";

/** Where version 2 may be mounted: alone, or together with version 1. */
const ROOTS = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"];

export class ControlGroup {
  private constructor(private readonly folder: string) {}

  /** Creates a group; null: it cannot be created, which needs root. */
  static make(name: string): ControlGroup | null {
    const root = ROOTS.find((folder) => existsSync(join(folder, "cgroup.procs")));
    if (root === undefined) return null;
    const folder = join(root, `webserv-bench-${process.pid}-${name}`);
    try {
      mkdirSync(folder);
    } catch {
      return null;
    }
    return new ControlGroup(folder);
  }

  /** Wraps `command` so that it and all processes it starts are in the group. */
  enclose(command: readonly string[]): string[] {
    return ["sh", "-c", 'echo $$ > "$0" && exec "$@"', join(this.folder, "cgroup.procs"), ...command];
  }

  /** CPU time since the group was created, in microseconds. */
  read(): CpuTime {
    return parseCpuStat(readFileSync(join(this.folder, "cpu.stat"), "latin1"));
  }

  /** Removes the group. Its last processes may need a moment to end. */
  async remove(): Promise<void> {
    for (let attempts = 100; attempts > 0; attempts--) {
      if (this.removed()) return;
      await Bun.sleep(20);
    }
    throw new Error(`${this.folder} still has members`);
  }

  private removed(): boolean {
    try {
      rmdirSync(this.folder);
      return true;
    } catch {
      return false;
    }
  }
}

/** Reads `usage_usec N`, `user_usec N`, `system_usec N`. */
export function parseCpuStat(text: string): CpuTime {
  const of = (name: string): number => Number(new RegExp(`^${name}_usec (\\d+)$`, "m").exec(text)?.[1] ?? Number.NaN);
  return { total: of("usage"), user: of("user"), system: of("system") };
}
