/** CGI: what static files cost while scripts sleep, and that nobody waits for those. */
import { connect, type Socket } from "node:net";
import { type Spent, spending, startAll, stopTargets, type Target } from "../cgi.ts";
import { LOAD, type Load, run } from "../load.ts";
import { median, processTree } from "../measure.ts";
import type { Options } from "../scenario.ts";
import { type CgiFolders, cgiPeers } from "../servers/cgi.ts";
import { LOAD_CPU } from "../servers/server.ts";
import { atMost, describe, type Report, verdict } from "../table.ts";

const SLEEPERS = 64;
const CLIENTS = 200;
const MUST = { ratio: 1.2, slowest: 1000 };

interface Sample extends Spent {
  readonly answered: number;
  readonly failed: number;
  /** The longest time one request took, ms. */
  readonly slowest: number;
}

/** Rounds with the sleepers and rounds without, in turn. */
export async function besideSleepers(folders: CgiFolders, options: Options): Promise<Report> {
  const [target] = await startAll(cgiPeers(folders).slice(0, 1), options.site);
  const load: Load = { ...LOAD, clients: CLIENTS };
  const without: Sample[] = [];
  const beside: Sample[] = [];
  for (let round = 0; round <= options.rounds; round++) {
    const quiet = await measureOnce(target, load);
    const sleepers = await sleep(target);
    const busy = await measureOnce(target, load);
    for (const sleeper of sleepers) sleeper.resetAndDestroy();
    await until(() => processTree(target.server.pid).length === 1);
    if (round === 0) continue;
    without.push(quiet);
    beside.push(busy);
  }
  await stopTargets([target]);
  return report(without, beside, options);
}

async function measureOnce(target: Target, load: Load): Promise<Sample> {
  let result = { answered: 0, failed: 0, slowest: 0 };
  const spent = await spending(target, async () => {
    result = await run(load, target.server.port, LOAD_CPU);
  });
  return { ...spent, ...result };
}

/** Clients whose scripts sleep, once all of these run. */
async function sleep({ server }: Target): Promise<Socket[]> {
  const sockets = Array.from({ length: SLEEPERS }, () => {
    const socket = connect(server.port, "127.0.0.1");
    socket.on("error", () => {}); // it is reset in the end
    socket.write("GET /cgi-bin/sleep.sh HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
    return socket;
  });
  await until(() => processTree(server.pid).length === 1 + SLEEPERS);
  return sockets;
}

async function until(isTrue: () => boolean): Promise<void> {
  const patience = Date.now() + 10_000;
  while (!isTrue()) {
    if (Date.now() > patience) throw new Error("the scripts that sleep did not all start, or did not all end");
    await Bun.sleep(10);
  }
}

function report(without: readonly Sample[], beside: readonly Sample[], { rounds }: Options): Report {
  const cost = (samples: readonly Sample[]): number =>
    median(samples.map(({ alone, answered }) => alone.total / answered));
  const slowest = (samples: readonly Sample[]): number => Math.max(...samples.map((sample) => sample.slowest));
  const failed = [...without, ...beside].reduce((sum, sample) => sum + sample.failed, 0);
  const ratio = atMost("CPU beside sleeping scripts / without", cost(beside) / cost(without), MUST.ratio);
  const checks = [
    ratio,
    atMost("ms of the slowest static reply", slowest(beside), MUST.slowest),
    atMost("failed", failed, 0),
  ];
  const row = (name: string, samples: readonly Sample[]) => [
    name,
    cost(samples).toFixed(2),
    slowest(samples).toFixed(1),
  ];
  const rows = [
    [...row("static files alone", without), "", "", ""],
    [...row(`beside ${SLEEPERS} scripts that sleep`, beside), `${ratio.value.toFixed(2)}x`, ...verdict(ratio, "x", 2)],
  ];
  const title = `1 KB file, ${CLIENTS} clients, ${LOAD.requests} requests, median of ${rounds}`;
  const columns = ["webserv, its own CPU time", "us/request", "slowest ms", "ratio", "must", ""];
  return { scenario: "cgi", title, columns, rows, checks, notes: checks.map(describe) };
}
