/** CGI: what a small script costs beside lighttpd's mod_cgi and Apache's mod_cgid, what a large body costs, and what waiting scripts cost others. */
import { makeScripts, type Spent, spending, startAll, stopTargets, type Target } from "../cgi.ts";
import { LOAD, type Load, run } from "../load.ts";
import { median } from "../measure.ts";
import { isAvailable, type Options } from "../scenario.ts";
import { type CgiFolders, cgiPeers } from "../servers/cgi.ts";
import { LOAD_CPU, type Peer } from "../servers/server.ts";
import { atMost, type Check, describe, type Report, verdict } from "../table.ts";
import { besideSleepers } from "./cgi-beside.ts";
import { largeBodies } from "./cgi-bodies.ts";

const REQUESTS = 2000;
/** Requests before the first round: so many are a second of files, but ten of scripts, and the runtime compiles what runs often. */
const WARM_UP = 10_000;
const CLIENTS = 16;
const MUSTS: Readonly<Record<string, number>> = { lighttpd: 1.0, apache: 0.9 };

/** The scenario `cgi`. `--requests` and `--clients` are those of the small scripts. */
export async function cgi(options: Options): Promise<Report[]> {
  const folders = makeScripts(options.site);
  const notes = folders.compiled ? [] : ["note: there is no cc: the compiled script is left out"];
  const reports = [await hello("/cgi-bin/hello.sh", "a hello script of /bin/sh", folders, options)];
  if (folders.compiled) reports.push(await hello("/cgi-bin/hello.cgi", "a compiled hello", folders, options));
  reports.push(...(await largeBodies(folders, options)), await besideSleepers(folders, options));
  return reports.map((report, i) => (i === 0 ? { ...report, notes: [...notes, ...report.notes] } : report));
}

interface Sample extends Spent {
  readonly failed: number;
  readonly requestsPerSecond: number;
}

async function hello(path: string, what: string, folders: CgiFolders, options: Options): Promise<Report> {
  const clients = options.clients ?? CLIENTS;
  const load: Load = { ...LOAD, paths: [path], requests: options.requests ?? REQUESTS, clients };
  const peers = cgiPeers(folders).filter((peer) => isAvailable(peer, options));
  const targets = await startAll(peers, options.site);
  const samples: Sample[][] = targets.map(() => []);
  for (const target of targets) await measureOnce(target, { ...load, requests: WARM_UP });
  for (let round = 0; round < options.rounds; round++) {
    for (const [i, target] of targets.entries()) samples[i].push(await measureOnce(target, load));
  }
  await stopTargets(targets);
  const title = `${what}, ${load.clients} keep-alive clients (${load.requests} requests, median of ${options.rounds})`;
  return { scenario: "cgi", title, columns: COLUMNS, ...compared(peers, samples, load.requests) };
}

async function measureOnce(target: Target, load: Load): Promise<Sample> {
  let result = { answered: 0, failed: 0, seconds: 0 };
  const spent = await spending(target, async () => {
    result = await run(load, target.server.port, LOAD_CPU);
  });
  return { ...spent, failed: result.failed, requestsPerSecond: result.answered / result.seconds };
}

const COLUMNS = ["server", "CPU us", "user", "system", "its own", "requests/s", "failed", "webserv/it", "must", ""];

function compared(peers: readonly Peer[], samples: readonly Sample[][], requests: number) {
  const cost = (i: number, figure: (sample: Sample) => number): number => median(samples[i].map(figure)) / requests;
  const ours = peers.findIndex(({ family }) => family === "webserv");
  const checks: Check[] = [];
  const rows = peers.map(({ name, family }, i) => {
    const failed = samples[i].reduce((sum, sample) => sum + sample.failed, 0);
    const ratio = cost(ours, ({ tree }) => tree.total) / cost(i, ({ tree }) => tree.total);
    const check = ours < 0 || i === ours ? undefined : atMost(`webserv / ${name}`, ratio, MUSTS[family]);
    checks.push(...(check === undefined ? [atMost("failed requests of webserv", failed, 0)] : [check]));
    const figures = [
      cost(i, ({ tree }) => tree.total),
      cost(i, ({ tree }) => tree.user),
      cost(i, ({ tree }) => tree.system),
      cost(i, ({ alone }) => alone.total),
    ].map((us) => us.toFixed(0));
    const speed = median(samples[i].map(({ requestsPerSecond }) => requestsPerSecond)).toFixed(0);
    return [
      name,
      ...figures,
      speed,
      `${failed}`,
      check === undefined ? "" : `${ratio.toFixed(2)}x`,
      ...verdict(check, "x", 2),
    ];
  });
  return { rows, checks, notes: checks.map(describe) };
}
