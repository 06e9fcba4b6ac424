/** The measured scripts, and servers in control groups that count the CPU time of all their processes. */
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ControlGroup } from "./cgroup.ts";
import { type CpuTime, cpuBetween, readCpu } from "./measure.ts";
import { type CgiFolders, within } from "./servers/cgi.ts";
import { type Peer, type RunningServer, start } from "./servers/server.ts";
import type { Site } from "./site.ts";

const HELLO_C = `#include <unistd.h>
int main(void) {
  static const char text[] = "Content-Type: text/plain\\r\\n\\r\\nhello\\n";
  return write(1, text, sizeof text - 1) < 0;
}
`;

const SCRIPTS: Readonly<Record<string, string>> = {
  "hello.sh": `#!/bin/sh\nprintf 'Content-Type: text/plain\\r\\n\\r\\nhello\\n'\n`,
  "echo.sh": `#!/bin/sh\nprintf 'Content-Type: application/octet-stream\\r\\n\\r\\n'\nexec cat\n`,
  "gigabyte.sh": `#!/bin/sh\nprintf 'Content-Type: application/octet-stream\\r\\n\\r\\n'\nexec head -c 1000000000 /dev/zero\n`,
  "sleep.sh": "#!/bin/sh\nexec sleep 600\n",
};

/** A server with its control group. */
export interface Target {
  readonly server: RunningServer;
  readonly group: ControlGroup;
}

/** CPU time of the server with all processes it started, and of its own processes alone, in microseconds. */
export interface Spent {
  readonly tree: CpuTime;
  readonly alone: CpuTime;
}

/** Writes the scripts, and compiles one if there is a compiler. */
export function makeScripts(site: Site): CgiFolders & { readonly compiled: boolean } {
  const scripts = join(site.folder, "scripts");
  const temporary = join(site.folder, "bodies");
  mkdirSync(scripts);
  mkdirSync(temporary);
  for (const [name, text] of Object.entries(SCRIPTS)) {
    writeFileSync(join(scripts, name), text);
    chmodSync(join(scripts, name), 0o755);
  }
  if (Bun.which("cc") === null) return { scripts, temporary, compiled: false };
  const source = join(site.folder, "hello.c");
  writeFileSync(source, HELLO_C);
  const { success, stderr } = Bun.spawnSync(["cc", "-O2", "-o", join(scripts, "hello.cgi"), source]);
  if (!success) throw new Error(`cc: ${stderr.toString().trim()}`);
  return { scripts, temporary, compiled: true };
}

/** Starts the installed ones of `peers`, each in its own control group, whose name starts with `prefix`. */
export async function startAll(peers: readonly Peer[], site: Site, prefix = ""): Promise<Target[]> {
  const targets: Target[] = [];
  for (const [number, peer] of peers.entries()) {
    const group = ControlGroup.make(`${prefix}${number}`);
    if (group === null)
      throw new Error("no control group can be made here (cgroup v2, as root): children would not be counted");
    targets.push({ server: await start(within(group, peer), site, false), group });
  }
  return targets;
}

export async function stopTargets(targets: readonly Target[]): Promise<void> {
  for (const { server, group } of targets) {
    await server.stop();
    await group.remove();
  }
}

/** The CPU time that `work` costs the target. */
export async function spending({ server, group }: Target, work: () => Promise<void>): Promise<Spent> {
  const groupBefore = group.read();
  const before = readCpu(server.pid);
  await work();
  const alone = cpuBetween(before, readCpu(server.pid));
  const after = group.read();
  const tree = {
    total: after.total - groupBefore.total,
    user: after.user - groupBefore.user,
    system: after.system - groupBefore.system,
  };
  return { tree, alone };
}
