/**
 * Compares the server of this tree with that of another checkout, to see what a change costs: `bun run bench --against DIR
 * [SCENARIO...]`. Both servers run at the same time and are measured in turn; the order changes each round. The result is the
 * median of the rounds' ratios.
 */
import { mkdirSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { makeScripts, spending, startAll, stopTargets } from "./cgi.ts";
import { measureOnce } from "./compare.ts";
import { LOAD, type Load, run } from "./load.ts";
import { cpuBetween, median, readCpu } from "./measure.ts";
import type { Options } from "./scenario.ts";
import { COMPARISONS } from "./scenarios/comparisons.ts";
import { webservScripts } from "./servers/cgi.ts";
import { LOAD_CPU, start } from "./servers/server.ts";
import { webservStore } from "./servers/uploading.ts";
import { SOURCE, webservFrom } from "./servers/webserv.ts";
import { atMost, type Report, verdict } from "./table.ts";
import { makeStores, upload } from "./uploads.ts";

/** Largest ratio of this tree's CPU time to that of the other. */
const MUST = 1.02;
const UPLOAD = 256_000_000;
const SCRIPTS = 500;

/** One of the two servers under one load. */
export interface Side {
  /** Runs the load once; gives CPU microseconds per request, including child processes. */
  cost(): Promise<number>;
  stop(): Promise<void>;
}

/** Starts the server whose main file is `source`, under a unique `name`. */
type Starter = (name: string, source: string) => Promise<Side>;

/** Prepares the files that both sides of a scenario share. */
type Preparation = (options: Options) => { readonly begin: Starter; readonly end: () => void };

const SCENARIOS: Readonly<Record<string, Preparation>> = {
  small: files("small"),
  pipeline: files("pipeline"),
  connect: files("connect"),
  upload: uploads,
  cgi: scripts,
};

/** The scenarios of `--against`. */
export const AGAINST: readonly string[] = Object.keys(SCENARIOS);

/** Measures one scenario with this tree's server and the server of the checkout in `folder`. */
export async function against(folder: string, scenario: string, options: Options): Promise<Report> {
  const { begin, end } = SCENARIOS[scenario]!(options);
  const sides: Side[] = [];
  try {
    sides.push(await begin("this", SOURCE), await begin("other", join(resolve(folder), "src/main.ts")));
    return report(folder, scenario, await interleaved(sides, options.rounds));
  } finally {
    for (const side of sides) await side.stop();
    end();
  }
}

/** The costs of this tree and of the other, by round. The first round warms up and is discarded. */
export async function interleaved(sides: readonly Side[], rounds: number): Promise<[mine: number, other: number][]> {
  const costs: [number, number][] = [];
  for (let round = 0; round <= rounds; round++) {
    const cost: [number, number] = [0, 0];
    for (const i of round % 2 === 0 ? [0, 1] : [1, 0]) cost[i] = await sides[i].cost();
    if (round > 0) costs.push(cost);
  }
  return costs;
}

const COLUMNS = ["server", "CPU us", "this/it", "lowest", "highest", "must", ""];

/** The ratios as a table, with a check of the median. */
export function report(folder: string, scenario: string, costs: readonly [number, number][]): Report {
  const ratios = costs.map(([mine, other]) => mine / other);
  const check = atMost(`${scenario}: this tree / ${folder}`, median(ratios), MUST);
  const middle = (side: 0 | 1): string => median(costs.map((cost) => cost[side])).toFixed(2);
  const figures = [median(ratios), Math.min(...ratios), Math.max(...ratios)].map((ratio) => `${ratio.toFixed(3)}x`);
  const rows = [
    ["this tree", middle(0), "", "", "", "", ""],
    [folder, middle(1), ...figures, ...verdict(check, "x", 2)],
  ];
  const title = `CPU time per request beside another checkout, median of ${costs.length}`;
  return { scenario, title, columns: COLUMNS, rows, checks: [check], notes: [] };
}

/** The load of a comparison with nginx. */
function files(scenario: string): Preparation {
  const comparison = COMPARISONS.find((one) => one.scenario === scenario)!;
  return (options) => ({
    begin: async (name, source) => {
      const server = await start(webservFrom(name, source), options.site, false);
      const load = withOptions({ ...LOAD, ...comparison.load }, options);
      const cost = async (): Promise<number> => {
        const { total, failed } = await measureOnce({ server, load });
        expectNone(failed, name);
        return total;
      };
      return { cost, stop: server.stop };
    },
    end: () => {},
  });
}

const withOptions = (load: Load, { requests, clients }: Options): Load => ({
  ...load,
  requests: requests ?? load.requests,
  clients: clients ?? load.clients,
});

function expectNone(failed: number, name: string): void {
  if (failed > 0) throw new Error(`${failed} requests to the server of ${name} tree failed`);
}

/** One large PUT into a store in memory, or next to the site if memory lacks the space. */
function uploads({ site }: Options): ReturnType<Preparation> {
  const store = makeStores(site, UPLOAD).at(-1);
  if (store === undefined) throw new Error("there is no room for uploads");
  const begin: Starter = async (name, source) => {
    const folder = join(store.path, name);
    mkdirSync(folder);
    const server = await start(webservStore(name, source, folder), site, false);
    const cost = async (): Promise<number> => {
      const before = readCpu(server.pid);
      await upload(server, "put", "large", UPLOAD);
      const spent = cpuBetween(before, readCpu(server.pid));
      rmSync(join(folder, "large"));
      return spent.total;
    };
    return { cost, stop: server.stop };
  };
  return { begin, end: store.remove };
}

/** A hello script of /bin/sh. */
function scripts(options: Options): ReturnType<Preparation> {
  const folders = makeScripts(options.site);
  const load = withOptions({ ...LOAD, paths: ["/cgi-bin/hello.sh"], requests: SCRIPTS, clients: 16 }, options);
  const begin: Starter = async (name, source) => {
    const targets = await startAll([webservScripts(name, source, folders)], options.site, name);
    const cost = async (): Promise<number> => {
      let failed = 0;
      const { tree } = await spending(targets[0]!, async () => {
        failed = (await run(load, targets[0]!.server.port, LOAD_CPU)).failed;
      });
      expectNone(failed, name);
      return tree.total / load.requests;
    };
    return { cost, stop: () => stopTargets(targets) };
  };
  return { begin, end: () => {} };
}
