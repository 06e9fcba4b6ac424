/**
 * Ten thousand idle WebSockets through the gateway: memory each. Small waves of tunnels come and go first, so that the runtime has
 * compiled the code. Then the growth of RSS counts, from the server without tunnels to the server with idle ones.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { readDescriptors, readResident } from "../measure.ts";
import { isAvailable, type Options } from "../scenario.ts";
import { tunnelGateways, tunnelOrigin } from "../servers/gateways.ts";
import { LOAD_CPU, onCpu, type Peer, type RunningServer, start } from "../servers/server.ts";
import { atMost, type Check, describe, type Report } from "../table.ts";

const TUNNELS = 10_000;
/** Descriptors that a gateway needs besides two for each tunnel. */
const OTHER_DESCRIPTORS = 200;
/** In an idle server the runtime collects its garbage and gives memory back within this time, ms. */
const SETTLE = 10_000;
/** Waves before the measurement, and their tunnels: many calls, but few at a time, so that the heap does not grow to its later size. */
const WAVES = 8;
const WAVE = 500;
const COLUMNS = ["gateway", "tunnels", "RSS before, MB", "bytes/tunnel", "left open"];
const MUST = 4 * 1024;

interface Crowd {
  readonly before: number;
  readonly bytesPerTunnel: number;
  /** Descriptors that stay open after the clients have left. */
  readonly leftOpen: number;
}

/** The scenario `tunnels`. `--clients` is their number; fewer where the limit of descriptors does not allow as many. */
export async function tunnels(options: Options): Promise<Report[]> {
  const most = Math.floor((descriptorLimit() - OTHER_DESCRIPTORS) / 2);
  const wanted = options.clients ?? TUNNELS;
  const count = Math.min(wanted, most);
  const rows: string[][] = [];
  const checks: Check[] = [];
  for (const { family } of tunnelGateways(0).filter((each) => isAvailable(each, options))) {
    // Each has an origin of its own: the ports of closed connections to an origin are in use for a minute.
    const origin = await start(tunnelOrigin, options.site, false);
    const peer = tunnelGateways(origin.port).find((each) => each.family === family)!;
    const crowd = await observe(peer, count, options);
    rows.push(row(peer, count, crowd));
    if (peer.family === "webserv") checks.push(...promises(crowd));
    await origin.stop();
  }
  const notes = checks.map(describe);
  if (count < wanted) notes.unshift(`note: ${count} tunnels instead of ${wanted}: the limit of descriptors`);
  return [{ scenario: "tunnels", title: `${count} idle WebSockets`, columns: COLUMNS, rows, checks, notes }];
}

function promises({ bytesPerTunnel, leftOpen }: Crowd): Check[] {
  return [atMost("bytes of RSS per idle tunnel", bytesPerTunnel, MUST), atMost("descriptors left open", leftOpen, 0)];
}

const row = ({ name }: Peer, count: number, { before, bytesPerTunnel, leftOpen }: Crowd): string[] => [
  name,
  String(count),
  (before / 1e6).toFixed(1),
  bytesPerTunnel.toFixed(0),
  String(leftOpen),
];

/** The hard limit of this process, to which the servers raise theirs. */
function descriptorLimit(): number {
  const limit = /^Max open files\s+\S+\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "latin1"));
  return limit === null ? Number.POSITIVE_INFINITY : Number(limit[1]);
}

async function observe(peer: Peer, count: number, options: Options): Promise<Crowd> {
  const gateway = await start(peer, options.site, false);
  for (let i = 0; i < WAVES; i++) await (await openTunnels(gateway, WAVE)).close();
  await Bun.sleep(SETTLE);
  const before = readResident(gateway.pid);
  const descriptors = readDescriptors(gateway.pid);
  const idle = await openTunnels(gateway, count);
  await Bun.sleep(SETTLE);
  const bytesPerTunnel = (readResident(gateway.pid) - before) / count;
  await idle.close();
  await Bun.sleep(SETTLE);
  const leftOpen = readDescriptors(gateway.pid) - descriptors;
  await gateway.stop();
  return { before, bytesPerTunnel, leftOpen };
}

async function openTunnels({ port }: RunningServer, count: number): Promise<{ close(): Promise<void> }> {
  const script = join(import.meta.dir, "../tunnel-client.ts");
  const command = onCpu(LOAD_CPU, [process.execPath, "run", script, `${port}`, `${count}`]);
  const clients = Bun.spawn(command, { stdin: "pipe", stdout: "pipe", stderr: "inherit" });
  const { value } = await clients.stdout.getReader().read();
  if (value === undefined) throw new Error(`${count} tunnels could not be opened`);
  const close = async (): Promise<void> => {
    clients.stdin.end();
    await clients.exited;
  };
  return { close };
}
