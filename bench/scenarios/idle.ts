/**
 * Ten thousand idle keep-alive clients: memory each, what a request among them costs, and how often an idle server
 * wakes. Two servers of a kind run side by side, one crowded and one not, so that both are measured in the same minute.
 */
import { join } from "node:path";
import { type Cost, measure } from "../compare.ts";
import { LOAD, run } from "../load.ts";
import { countedBetween, readDescriptors, readResident, readWakes } from "../measure.ts";
import { choosePeers, type Options } from "../scenario.ts";
import { LOAD_CPU, onCpu, type Peer, type RunningServer, start } from "../servers/server.ts";
import { atMost, type Check, describe, type Report } from "../table.ts";

const CLIENTS = 10_000;
const SETTLE = 3000;
const WATCH = 5000;
const COLUMNS = [
  "server",
  "bytes/client",
  "CPU us alone",
  "among them",
  "ratio",
  "wakes/s",
  "wakes/s among them",
  "left open",
];
const MUST = { bytes: 1.5 * 1024, ratio: 1.3, wakes: 2 };

interface Crowd {
  readonly bytesPerClient: number;
  readonly alone: Cost;
  readonly among: Cost;
  readonly wakes: number;
  readonly wakesAmong: number;
  /** Descriptors that stay open after the clients have left. */
  readonly leftOpen: number;
}

/** The scenario `idle`. `--clients` is the number of idle ones. */
export async function idle(options: Options): Promise<Report[]> {
  const { peers, notes } = choosePeers(["webserv", "nginx"], options);
  const rows: string[][] = [];
  const checks: Check[] = [];
  for (const peer of peers.filter((peer, i) => peers.findIndex(({ family }) => family === peer.family) === i)) {
    const crowd = await observe(peer, options);
    rows.push(row(peer, crowd));
    if (peer.family === "webserv") checks.push(...promises(crowd));
  }
  const title = `${options.clients ?? CLIENTS} idle keep-alive clients`;
  return [{ scenario: "idle", title, columns: COLUMNS, rows, checks, notes: [...notes, ...checks.map(describe)] }];
}

function promises(crowd: Crowd): Check[] {
  return [
    atMost("bytes of RSS per idle client", crowd.bytesPerClient, MUST.bytes),
    atMost("CPU among idle clients / without", crowd.among.total / crowd.alone.total, MUST.ratio),
    atMost("wakes a second without clients", crowd.wakes, MUST.wakes),
    atMost("wakes a second among idle clients", crowd.wakesAmong, MUST.wakes),
    atMost("descriptors left open", crowd.leftOpen, 0),
  ];
}

function row(peer: Peer, crowd: Crowd): string[] {
  const { bytesPerClient, alone, among, wakes, wakesAmong, leftOpen } = crowd;
  const times = [alone.total.toFixed(2), among.total.toFixed(2), `${(among.total / alone.total).toFixed(2)}x`];
  return [peer.name, bytesPerClient.toFixed(0), ...times, wakes.toFixed(1), wakesAmong.toFixed(1), String(leftOpen)];
}

async function observe(peer: Peer, options: Options): Promise<Crowd> {
  const count = options.clients ?? CLIENTS;
  const quiet = await start(peer, options.site, false);
  const crowded = await start(peer, options.site, false);
  await warmUp([quiet, crowded]);
  const before = { resident: readResident(crowded.pid), descriptors: readDescriptors(crowded.pid) };
  const clients = await openClients(crowded.port, count);
  await Bun.sleep(SETTLE);
  const bytesPerClient = (readResident(crowded.pid) - before.resident) / count;
  const [wakes, wakesAmong] = await Promise.all([wakesPerSecond(quiet), wakesPerSecond(crowded)]);
  const load = { ...LOAD, requests: options.requests ?? LOAD.requests };
  const [alone, among] = await measure(
    [quiet, crowded].map((server) => ({ server, load })),
    options.rounds,
  );
  clients.stdin.end();
  await clients.exited;
  await Bun.sleep(SETTLE);
  const leftOpen = readDescriptors(crowded.pid) - before.descriptors;
  await quiet.stop();
  await crowded.stop();
  return { bytesPerClient, alone, among, wakes, wakesAmong, leftOpen };
}

/** Lets the runtime compile and collect before memory is looked at. */
async function warmUp(servers: readonly RunningServer[]): Promise<void> {
  for (const server of servers) await run(LOAD, server.port, LOAD_CPU);
  await Bun.sleep(SETTLE);
}

async function openClients(port: number, count: number) {
  const script = join(import.meta.dir, "../idle-client.ts");
  const command = onCpu(LOAD_CPU, [process.execPath, "run", script, `${port}`, `${count}`]);
  const clients = Bun.spawn(command, { stdin: "pipe", stdout: "pipe", stderr: "inherit" });
  const { value } = await clients.stdout.getReader().read();
  if (value === undefined) throw new Error(`${count} clients could not be opened`);
  return clients;
}

async function wakesPerSecond(server: RunningServer): Promise<number> {
  const before = readWakes(server.pid);
  await Bun.sleep(WATCH);
  return countedBetween(before, readWakes(server.pid)) / (WATCH / 1000);
}
