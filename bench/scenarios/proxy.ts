/** The gateway: what it costs to pass requests to an origin over kept connections, beside nginx. Only the gateway is counted. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Contender, type Cost, checkRow, costColumns, costRow, measure } from "../compare.ts";
import { LOAD, type Load } from "../load.ts";
import { readHighest, readOwnResident, resetHighest } from "../measure.ts";
import { isAvailable, type Options } from "../scenario.ts";
import { gateways, origin } from "../servers/gateways.ts";
import { type Peer, type RunningServer, start } from "../servers/server.ts";
import { page, type Site } from "../site.ts";
import { atMost, type Check, type Report } from "../table.ts";

const COLUMNS = costColumns("gateway");

const HUNDRED_MB = 100 * 1024 * 1024;

/** What is asked for, the largest ratio to nginx that is good enough, and how far our memory may grow, in bytes. */
export type Case = readonly [title: string, load: Partial<Load>, must: number, growth?: number];

const CASES: readonly Case[] = [
  ["1 KB through a kept connection, 64 clients", { requests: 30_000 }, 0.85],
  ["10 MB through a kept connection, 16 clients", { requests: 200, clients: 16, paths: ["/10m.html"] }, 1.0],
  ["100 MB through a kept connection", { requests: 4, clients: 1, paths: ["/100m.html"] }, 1.0, 8 * 1024 * 1024],
];

/** The scenario `proxy`. */
export async function proxy(options: Options): Promise<Report[]> {
  writeFileSync(join(options.site.root, "100m.html"), page(HUNDRED_MB));
  const source = await start(origin, options.site, false);
  const replies = await compareGateways("proxy", gateways(source.port), CASES, options);
  await source.stop();
  return [...replies, ...(await uploads(options.site, options))];
}

/** Bodies of 100 MB to an origin that reads them. */
async function uploads(site: Site, options: Options): Promise<Report[]> {
  const reader = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    maxRequestBodySize: HUNDRED_MB,
    fetch: async (request) => new Response(`${(await request.bytes()).length}`),
  });
  const load = { requests: 4, clients: 1, paths: ["/"], body: join(site.root, "100m.html") };
  const cases: Case[] = [["100 MB to the origin", load, 1.0, 8 * 1024 * 1024]];
  const reports = await compareGateways("proxy", gateways(reader.port!), cases, options);
  await reader.stop(true);
  return reports;
}

/** Measures the gateways in each case. */
export async function compareGateways(
  scenario: string,
  peers: readonly Peer[],
  cases: readonly Case[],
  options: Options,
): Promise<Report[]> {
  const servers: RunningServer[] = [];
  for (const peer of peers.filter((each) => isAvailable(each, options)))
    servers.push(await start(peer, options.site, false));
  const reports: Report[] = [];
  for (const [title, load, must, growth] of cases) {
    const contenders = servers.map((server): Contender => ({ server, load: loadOf(load, options) }));
    const before = readOwnResident(servers[0]!.pid);
    resetHighest(servers[0]!.pid);
    const costs = await measure(contenders, options.rounds);
    const memory = growth === undefined ? [] : [grown(readHighest(servers[0]!.pid) - before, growth)];
    reports.push({ scenario, ...report(title, must, contenders, costs, memory) });
  }
  for (const server of servers) await server.stop();
  return reports;
}

const loadOf = (load: Partial<Load>, { requests, clients }: Options): Load => ({
  ...LOAD,
  ...load,
  ...(requests === null ? {} : { requests }),
  ...(clients === null ? {} : { clients }),
});

/** How far the first server's memory has grown at most; both in bytes. */
const grown = (growth: number, most: number): Check =>
  atMost("memory of webserv, growth in MB", growth / 2 ** 20, most / 2 ** 20);

function report(
  title: string,
  must: number,
  contenders: readonly Contender[],
  costs: readonly Cost[],
  memory: readonly Check[],
): Omit<Report, "scenario"> {
  const checks: Check[] = [...memory];
  if (costs.length === 2) checks.push(atMost(`${title}: webserv / nginx`, costs[0]!.total / costs[1]!.total, must));
  checks.push(
    atMost(
      "failed requests",
      costs.reduce((sum, { failed }) => sum + failed, 0),
      0,
    ),
  );
  const rows = costs.map((cost, i) => costRow(contenders[i]!.server.peer.name, cost));
  return { title, columns: COLUMNS, rows: [...rows, ...checks.map(checkRow)], checks, notes: [] };
}
