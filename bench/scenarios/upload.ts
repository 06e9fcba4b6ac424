/**
 * Uploads: the CPU time of a large PUT beside nginx's dav module and of a form beside our own PUT, many small files by many
 * clients, which must all arrive whole, and the memory that a large one takes while it passes through.
 */
import { mkdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { type CpuTime, cpuBetween, median, readCpu, readResident } from "../measure.ts";
import { isAvailable, type Options } from "../scenario.ts";
import { type RunningServer, start } from "../servers/server.ts";
import { uploadPeers } from "../servers/uploading.ts";
import { atMost, type Check, describe, type Report, verdict } from "../table.ts";
import { damaged, leftovers, makeStores, type StoreFolder, upload } from "../uploads.ts";

const LARGE = 1_000_000_000;
const HUGE = 4_000_000_000;
const FILES = 1000;
const CLIENTS = 50;
const MEGABYTE = 1024 * 1024;
const MUST = { nginx: 0.9, form: 1.2, growth: 8 };
/** How often (ms) memory is looked at during an upload. */
const LOOK = 20;

type Kind = "put" | "form";

/** A running server and its folder. */
interface Target {
  readonly server: RunningServer;
  readonly folder: string;
}

/** Something that is measured once a round. */
interface Candidate {
  readonly name: string;
  readonly target: Target;
  readonly kind: Kind;
  readonly samples: CpuTime[];
}

/** The scenario `upload`. `--requests` is the number of small files, `--clients` that of those who send them. */
export async function uploads(options: Options): Promise<Report[]> {
  const reports: Report[] = [];
  const stores = makeStores(options.site, HUGE);
  for (const store of stores) {
    try {
      reports.push(...(await measureAll(store, store === stores.at(-1), options)));
    } finally {
      store.remove();
    }
  }
  return reports;
}

/** `everything`: not only the large uploads, which depend on what is under the store. */
async function measureAll(store: StoreFolder, everything: boolean, options: Options): Promise<Report[]> {
  const available = uploadPeers(store.path).filter(({ peer }) => isAvailable(peer, options));
  const targets: Target[] = [];
  for (const { peer, folder } of available) {
    targets.push({ server: await start(peer, options.site, false), folder });
  }
  const reports = [await compareLarge(targets, store, options)];
  const ours = targets.find(({ server }) => server.peer.family === "webserv");
  if (ours !== undefined && everything) reports.push(await sendMany(ours, options), await watchMemory(ours));
  for (const { server } of targets) await server.stop();
  return reports;
}

// One large upload

async function compareLarge(targets: readonly Target[], store: StoreFolder, options: Options): Promise<Report> {
  const candidates = targets.map((target) => candidate(target.server.peer.name, target, "put"));
  const ours = targets.find(({ server }) => server.peer.family === "webserv");
  if (ours !== undefined) candidates.splice(1, 0, candidate("webserv, form", ours, "form"));
  for (let round = 0; round <= options.rounds; round++) {
    for (const one of candidates) {
      const cost = await measureOnce(one);
      if (round > 0) one.samples.push(cost);
    }
  }
  const title = `one upload of ${LARGE / 1e9} GB to a store ${store.kind}, lowest of ${options.rounds}`;
  return { scenario: "upload", title, columns: COLUMNS, ...compared(candidates) };
}

const candidate = (name: string, target: Target, kind: Kind): Candidate => ({ name, target, kind, samples: [] });

async function measureOnce({ target, kind }: Candidate): Promise<CpuTime> {
  const { server, folder } = target;
  const before = readCpu(server.pid);
  await upload(server, kind, "large", LARGE);
  const spent = cpuBetween(before, readCpu(server.pid));
  const { size } = statSync(join(folder, "large"));
  if (size !== LARGE) throw new Error(`${server.peer.name} stored ${size} bytes`);
  rmSync(join(folder, "large"));
  return spent;
}

const COLUMNS = ["server", "CPU ms/GB", "median", "user", "ratio", "must", ""];

/** Rows and checks: ours against the cheapest nginx, the form against our own PUT. */
function compared(candidates: readonly Candidate[]): Pick<Report, "rows" | "checks" | "notes"> {
  const rivals = candidates.filter(({ target }) => target.server.peer.family === "nginx");
  const cheapest = rivals.toSorted((a, b) => lowest(a) - lowest(b))[0];
  const ours = candidates.find(({ name }) => name === "webserv");
  const checks: Check[] = [];
  const rows = candidates.map((one) => {
    const check = checkOf(one, ours, cheapest);
    if (check !== undefined) checks.push(check);
    const ratio = check === undefined ? "" : `${check.value.toFixed(2)}x`;
    return [one.name, ...figures(one), ratio, ...verdict(check, "x", 2)];
  });
  return { rows, checks, notes: checks.map(describe) };
}

function checkOf(one: Candidate, ours: Candidate | undefined, cheapest: Candidate | undefined): Check | undefined {
  if (ours === undefined) return undefined;
  if (one.kind === "form") return atMost("webserv, form / webserv", lowest(one) / lowest(ours), MUST.form);
  if (one !== ours || cheapest === undefined) return undefined;
  return atMost(`webserv / ${cheapest.name}`, lowest(ours) / lowest(cheapest), MUST.nginx);
}

/**
 * The cheapest round counts: what disturbs a round of gigabytes only adds to it, several times over where a hypervisor took
 * back memory that then has to be fetched page by page.
 */
const lowest = ({ samples }: Candidate): number => Math.min(...samples.map(({ total }) => total));

function figures(one: Candidate): string[] {
  const of = (figure: keyof CpuTime): number => median(one.samples.map((sample) => sample[figure]));
  return [lowest(one), of("total"), of("user")].map((us) => (us / 1000 / (LARGE / 1e9)).toFixed(0));
}

// Many small ones

async function sendMany({ server, folder }: Target, options: Options): Promise<Report> {
  const count = options.requests ?? FILES;
  const clients = options.clients ?? CLIENTS;
  mkdirSync(folder, { recursive: true });
  const before = readCpu(server.pid);
  const begun = performance.now();
  await upload(server, "many", count, clients);
  const seconds = (performance.now() - begun) / 1000;
  const { total } = cpuBetween(before, readCpu(server.pid));
  const wrong = damaged(folder, count).length;
  for (let number = 0; number < count; number++) rmSync(join(folder, `upload-${number}`), { force: true });
  const left = leftovers(folder).length;
  const checks = [atMost("files that are not whole", wrong, 0), atMost("temporary files left", left, 0)];
  const rows = [[server.peer.name, (total / count).toFixed(0), seconds.toFixed(1), `${wrong}`, `${left}`]];
  const columns = ["server", "CPU us/file", "seconds", "not whole", "left"];
  const title = `${count} files of 100 KB by ${clients} clients at once`;
  return { scenario: "upload", title, columns, rows, checks, notes: checks.map(describe) };
}

// Memory

async function watchMemory({ server, folder }: Target): Promise<Report> {
  const before = readResident(server.pid);
  let most = before;
  const timer = setInterval(() => (most = Math.max(most, readResident(server.pid))), LOOK);
  await upload(server, "put", "huge", HUGE);
  clearInterval(timer);
  rmSync(join(folder, "huge"));
  const growth = (most - before) / MEGABYTE;
  const checks = [atMost("MB of RSS grown", growth, MUST.growth)];
  const rows = [[server.peer.name, (before / MEGABYTE).toFixed(1), (most / MEGABYTE).toFixed(1), growth.toFixed(1)]];
  const columns = ["server", "RSS MB before", "most", "growth"];
  const title = `memory during one upload of ${HUGE / 1e9} GB`;
  return { scenario: "upload", title, columns, rows, checks, notes: checks.map(describe) };
}
