/**
 * Measures CPU time per request compared with nginx, lighttpd, Bun.serve and a floor, and the other promises about cost:
 * `bun run bench [SCENARIO...]`. See docs/bench.md.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { AGAINST, against } from "./against.ts";
import { comparing } from "./compare.ts";
import { FAMILIES, type Options, type Scenario } from "./scenario.ts";
import { cache } from "./scenarios/cache.ts";
import { cgi } from "./scenarios/cgi.ts";
import { COMPARISONS } from "./scenarios/comparisons.ts";
import { gzip } from "./scenarios/gzip.ts";
import { idle } from "./scenarios/idle.ts";
import { language } from "./scenarios/language.ts";
import { php } from "./scenarios/php.ts";
import { proxy } from "./scenarios/proxy.ts";
import { reload } from "./scenarios/reload.ts";
import { siege } from "./scenarios/siege.ts";
import { soak } from "./scenarios/soak.ts";
import { start } from "./scenarios/start.ts";
import { tls } from "./scenarios/tls.ts";
import { tunnels } from "./scenarios/tunnels.ts";
import { uploads } from "./scenarios/upload.ts";
import { stopAll } from "./servers/server.ts";
import { makeSite, removeSite, type Site } from "./site.ts";
import { format, type Report } from "./table.ts";

const SCENARIOS = new Map<string, Scenario>();
for (const name of new Set(COMPARISONS.map((comparison) => comparison.scenario))) {
  SCENARIOS.set(name, comparing(COMPARISONS.filter((comparison) => comparison.scenario === name)));
}
SCENARIOS.set("idle", idle)
  .set("soak", soak)
  .set("reload", reload)
  .set("siege", siege)
  .set("start", start)
  .set("upload", uploads)
  .set("cgi", cgi)
  .set("gzip", gzip)
  .set("cache", cache)
  .set("proxy", proxy)
  .set("php", php)
  .set("tunnels", tunnels)
  .set("language", language)
  .set("tls", tls);

const USAGE = `usage: bun run bench [options] [${[...SCENARIOS.keys()].join("|")}|all]...   (default: small)
  --rounds N      measured rounds, after one to warm up (5)
  --requests N    requests a round
  --clients N     connections at once
  --only NAME     measure this server only; may be repeated: ${FAMILIES.join(", ")}
  --against DIR   beside the server of another checkout: ${AGAINST.join(", ")} (all of them without a name)
  --json FILE     write the figures there as well
  --check         exit status 1 when a promise is missed
  -h, --help      this text`;

async function main(): Promise<number> {
  const command = commandLine();
  if (typeof command === "string") {
    console.error(command);
    return 2;
  }
  if (command.help) {
    console.log(USAGE);
    return 0;
  }
  const site = makeSite();
  for (const signal of ["SIGINT", "SIGTERM"] as const)
    process.on(signal, () => cleanUp(site).then(() => process.exit(1)));
  try {
    const reports = await measureAll(command, { ...command.options, site });
    if (command.json !== null) await Bun.write(command.json, `${JSON.stringify(reports, null, 2)}\n`);
    return command.check && reports.some((report) => report.checks.some((check) => !check.pass)) ? 1 : 0;
  } catch (problem) {
    console.error(`bench: ${problem instanceof Error ? problem.message : problem}`);
    return 1;
  } finally {
    await cleanUp(site);
  }
}

async function cleanUp(site: Site): Promise<void> {
  await stopAll();
  removeSite(site);
}

async function measureAll({ scenarios, other }: Command, options: Options): Promise<Report[]> {
  const reports: Report[] = [];
  for (const name of scenarios) {
    for (const report of other === null ? await SCENARIOS.get(name)!(options) : [await against(other, name, options)]) {
      reports.push(report);
      console.log(format(report));
    }
  }
  return reports;
}

interface Command {
  readonly scenarios: readonly string[];
  readonly options: Omit<Options, "site">;
  /** A checkout to compare with, instead of other servers. */
  readonly other: string | null;
  readonly json: string | null;
  readonly check: boolean;
  readonly help: boolean;
}

/** Parses the command line; gives the options, or an error message. */
function commandLine(): Command | string {
  try {
    const { values, positionals } = parseArgs({ args: Bun.argv.slice(2), allowPositionals: true, options: FLAGS });
    const other = values.against ?? null;
    const scenarios = other === null ? scenariosOf(positionals) : scenariosAgainst(positionals, other);
    const options = {
      rounds: count(values.rounds, "--rounds") ?? 5,
      requests: count(values.requests, "--requests"),
      clients: count(values.clients, "--clients"),
      only: (values.only ?? []).map(family),
    };
    return { scenarios, options, other, json: values.json ?? null, check: values.check, help: values.help };
  } catch (problem) {
    return `bench: ${problem instanceof Error ? problem.message : problem}\n${USAGE}`;
  }
}

const FLAGS = {
  rounds: { type: "string" },
  requests: { type: "string" },
  clients: { type: "string" },
  only: { type: "string", multiple: true },
  against: { type: "string" },
  json: { type: "string" },
  check: { type: "boolean", default: false },
  help: { type: "boolean", short: "h", default: false },
} as const;

function scenariosOf(names: readonly string[]): string[] {
  return names.length === 0 ? ["small"] : names.flatMap(scenariosNamed);
}

function scenariosAgainst(names: readonly string[], folder: string): readonly string[] {
  if (!existsSync(join(folder, "src/main.ts"))) throw new Error(`there is no src/main.ts in "${folder}"`);
  const unknown = names.find((name) => !AGAINST.includes(name));
  if (unknown !== undefined) throw new Error(`--against has no scenario "${unknown}", but ${AGAINST.join(", ")}`);
  return names.length === 0 ? AGAINST : names;
}

function scenariosNamed(name: string): string[] {
  if (name === "all") return [...SCENARIOS.keys()];
  if (!SCENARIOS.has(name)) throw new Error(`there is no scenario "${name}"`);
  return [name];
}

function count(text: string | undefined, option: string): number | null {
  if (text === undefined) return null;
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new Error(`${option} takes a number from 1, not "${text}"`);
  return Number(text);
}

function family(name: string): string {
  if (!FAMILIES.includes(name)) throw new Error(`there is no server "${name}"`);
  return name;
}

process.exitCode = await main();
