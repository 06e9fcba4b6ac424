/**
 * The CPU time of everything a server ever starts, from a control group of its own (cgroups(7), version 2).
 *
 * A process tree in /proc does not know the children that have ended: what they used is added to their parent, but only where
 * it waits for them, and Apache's mod_cgid ignores SIGCHLD. A group counts all of them.
 */
import { existsSync, mkdirSync, readFileSync, rmdirSync } from "node:fs";
import { join } from "node:path";
import type { CpuTime } from "./measure.ts";

/** Where version 2 is mounted: alone, or beside version 1. */
const ROOTS = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"];

export class ControlGroup {
  private constructor(private readonly folder: string) {}

  /** A new group; null where none can be made (it takes root). */
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

  /** `command` as a member, with all it starts. */
  enclose(command: readonly string[]): string[] {
    return ["sh", "-c", 'echo $$ > "$0" && exec "$@"', join(this.folder, "cgroup.procs"), ...command];
  }

  /** CPU time since it was made, in microseconds. */
  read(): CpuTime {
    return parseCpuStat(readFileSync(join(this.folder, "cpu.stat"), "latin1"));
  }

  /** Ends it. The last members may take a moment to go. */
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
