/** The gateway: what it costs to pass requests to an origin over kept connections, beside nginx. Only the gateway is counted. */
import { type Contender, type Cost, checkRow, costColumns, costRow, measure } from "../compare.ts";
import { LOAD, type Load } from "../load.ts";
import { isAvailable, type Options } from "../scenario.ts";
import { gateways, origin } from "../servers/gateways.ts";
import { type Peer, type RunningServer, start } from "../servers/server.ts";
import { atMost, type Check, type Report } from "../table.ts";

const COLUMNS = costColumns("gateway");

/** What is asked for, and the largest ratio to nginx that is good enough. */
export type Case = readonly [title: string, load: Partial<Load>, must: number];

const CASES: readonly Case[] = [
  ["1 KB through a kept connection, 64 clients", { requests: 30_000 }, 0.85],
  ["10 MB through a kept connection, 16 clients", { requests: 200, clients: 16, paths: ["/10m.html"] }, 1.0],
];

/** The scenario `proxy`. */
export async function proxy(options: Options): Promise<Report[]> {
  const source = await start(origin, options.site, false);
  const reports = await compareGateways("proxy", gateways(source.port), CASES, options);
  await source.stop();
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
  for (const [title, load, must] of cases) {
    const contenders = servers.map((server): Contender => ({ server, load: loadOf(load, options) }));
    reports.push({ scenario, ...report(title, must, contenders, await measure(contenders, options.rounds)) });
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

type Unnamed = Omit<Report, "scenario">;

function report(title: string, must: number, contenders: readonly Contender[], costs: readonly Cost[]): Unnamed {
  const checks: Check[] = [];
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
