/**
 * CPU time per request of several servers under the same load. The rounds are interleaved, so that other work on the machine
 * affects all servers alike. One round warms up; the result is the median of the others.
 */
import { LOAD, type Load, run } from "./load.ts";
import { type CpuTime, cpuBetween, median, readCpu } from "./measure.ts";
import { choosePeers, type Options, type Scenario } from "./scenario.ts";
import { LOAD_CPU, type RunningServer, start } from "./servers/server.ts";
import { atMost, type Check, type Report, verdict } from "./table.ts";

export interface Comparison {
  readonly scenario: string;
  readonly title: string;
  /** Settings that differ from LOAD. */
  readonly load: Partial<Load>;
  readonly log?: boolean;
  readonly families: readonly string[];
  /** Largest allowed ratio of our CPU per request to that of a family. */
  readonly musts: Readonly<Record<string, number>>;
  /** Field lines that depend on the server, such as its own ETag. */
  readonly headers?: (server: RunningServer) => Promise<string[]>;
}

/** One server's median figures; times in CPU microseconds per request. */
export interface Cost extends CpuTime {
  readonly requestsPerSecond: number;
  readonly failed: number;
}

/** A server and its load. */
export interface Contender {
  readonly server: RunningServer;
  readonly load: Load;
}

/** Makes a scenario of one or more comparisons. */
export function comparing(comparisons: readonly Comparison[]): Scenario {
  return async (options) => {
    const reports: Report[] = [];
    for (const comparison of comparisons) reports.push(await compare(comparison, options));
    return reports;
  };
}

async function compare(comparison: Comparison, options: Options): Promise<Report> {
  const { peers, notes } = choosePeers(comparison.families, options);
  const contenders: Contender[] = [];
  for (const peer of peers) {
    const server = await start(peer, options.site, comparison.log ?? false);
    contenders.push({ server, load: await loadFor(comparison, server, options) });
  }
  const costs = await measure(contenders, options.rounds);
  for (const { server } of contenders) await server.stop();
  const kept = cheapestOfFamily(contenders, costs);
  return report(comparison, kept, [...notes, ...dropped(contenders, kept, costs)], options);
}

async function loadFor(comparison: Comparison, server: RunningServer, options: Options): Promise<Load> {
  const load = { ...LOAD, ...comparison.load };
  return {
    ...load,
    requests: options.requests ?? load.requests,
    clients: options.clients ?? load.clients,
    headers: [...load.headers, ...((await comparison.headers?.(server)) ?? [])],
  };
}

/** Measures all contenders in interleaved rounds. The results are in the same order. */
export async function measure(contenders: readonly Contender[], rounds: number): Promise<Cost[]> {
  const samples: Cost[][] = contenders.map(() => []);
  for (let round = 0; round <= rounds; round++) {
    for (const [i, contender] of contenders.entries()) {
      const cost = await measureOnce(contender);
      if (round > 0) samples[i].push(cost);
    }
  }
  return samples.map(middle);
}

/** The cost of one round for a server. */
export async function measureOnce({ server, load }: Contender): Promise<Cost> {
  const before = readCpu(server.pid);
  const result = await run(load, server.port, LOAD_CPU);
  const spent = cpuBetween(before, readCpu(server.pid));
  const each = Math.max(1, result.answered);
  return {
    total: spent.total / each,
    user: spent.user / each,
    system: spent.system / each,
    requestsPerSecond: result.answered / result.seconds,
    failed: result.failed,
  };
}

function middle(samples: readonly Cost[]): Cost {
  const of = (figure: keyof Cost): number => median(samples.map((sample) => sample[figure]));
  return {
    total: of("total"),
    user: of("user"),
    system: of("system"),
    requestsPerSecond: of("requestsPerSecond"),
    failed: samples.reduce((sum, sample) => sum + sample.failed, 0),
  };
}

type Standing = Map<string, { readonly name: string; readonly cost: Cost }>;

function cheapestOfFamily(contenders: readonly Contender[], costs: readonly Cost[]): Standing {
  const kept: Standing = new Map();
  for (const [i, { server }] of contenders.entries()) {
    const best = kept.get(server.peer.family);
    if (best === undefined || costs[i].total < best.cost.total) {
      kept.set(server.peer.family, { name: server.peer.name, cost: costs[i] });
    }
  }
  return kept;
}

function dropped(contenders: readonly Contender[], kept: Standing, costs: readonly Cost[]): string[] {
  return contenders.flatMap(({ server: { peer } }, i) =>
    kept.get(peer.family)?.name === peer.name
      ? []
      : [`note: ${peer.name} costs ${costs[i].total.toFixed(2)}: left out`],
  );
}

function report(comparison: Comparison, kept: Standing, notes: string[], options: Options): Report {
  const ours = kept.get("webserv")?.cost;
  const checks: Check[] = [];
  const rows = [...kept].map(([family, { name, cost }]) => {
    const ratio = ours === undefined || family === "webserv" ? Number.NaN : ours.total / cost.total;
    const must = comparison.musts[family];
    const check = Number.isNaN(ratio) || must === undefined ? undefined : atMost(`webserv / ${family}`, ratio, must);
    if (check !== undefined) checks.push(check);
    return [name, ...figures(cost), Number.isNaN(ratio) ? "" : `${ratio.toFixed(2)}x`, ...verdict(check, "x", 2)];
  });
  if (ours !== undefined) checks.push(atMost("failed requests of webserv", ours.failed, 0));
  const { scenario, title } = comparison;
  const how = `${options.requests ?? comparison.load.requests ?? LOAD.requests} requests, median of ${options.rounds}`;
  return { scenario, title: `${title} (${how})`, columns: COLUMNS, rows, checks, notes };
}

const COLUMNS = ["server", "CPU us", "user", "system", "requests/s", "failed", "webserv/it", "must", ""];

function figures(cost: Cost): string[] {
  const { total, user, system, requestsPerSecond, failed } = cost;
  return [total.toFixed(2), user.toFixed(2), system.toFixed(2), requestsPerSecond.toFixed(0), String(failed)];
}

/** Columns of a table that has a row for each contender's cost, then a row for each check. */
export const costColumns = (first: string): string[] => [
  first,
  "CPU us",
  "user",
  "system",
  "requests/s",
  "failed",
  "ratio",
  "must",
  "",
];

/** The row of a contender's cost. */
export const costRow = (name: string, { total, user, system, requestsPerSecond, failed }: Cost): string[] => [
  name,
  ...[total, user, system].map((figure) => figure.toFixed(2)),
  requestsPerSecond.toFixed(0),
  String(failed),
  ...["", "", ""],
];

/** The row of a check of a ratio. */
export const checkRow = (check: Check): string[] => [
  check.what,
  ...["", "", "", "", ""],
  check.value.toFixed(2),
  ...verdict(check, "x", 2),
];
