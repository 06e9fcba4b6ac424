/** CPU time until the server listens: until the first line of its output, which it prints when its sockets are bound. */
import { existsSync } from "node:fs";
import { cpuBetween, median, readCpu, readResident } from "../measure.ts";
import type { Options } from "../scenario.ts";
import { freePort, onCpu, SERVER_CPU } from "../servers/server.ts";
import { BINARY, SOURCE, writeConfiguration } from "../servers/webserv.ts";
import { atMost, type Check, type Report, verdict } from "../table.ts";

const LIMIT_MS = 100;

interface Start {
  readonly cpuMs: number;
  readonly wallMs: number;
  readonly residentMB: number;
}

/** The scenario `start`. The runtime alone is the part that no server on it can save. */
export async function start(options: Options): Promise<Report[]> {
  const candidates: [name: string, command: (file: string) => string[]][] = [
    ["runtime alone", () => [process.execPath, "-e", "console.log('here'); setInterval(() => {}, 1000)"]],
    ["webserv, sources", (file) => [process.execPath, "run", SOURCE, file]],
  ];
  if (existsSync(BINARY)) candidates.push(["webserv, binary", (file) => [BINARY, file]]);
  const checks: Check[] = [];
  const rows: string[][] = [];
  for (const [name, command] of candidates) {
    const middle = await medianStart(command, options);
    const check = name === "runtime alone" ? undefined : atMost(`${name}: CPU ms`, middle.cpuMs, LIMIT_MS);
    if (check !== undefined) checks.push(check);
    const figures = [middle.cpuMs.toFixed(1), middle.wallMs.toFixed(1), middle.residentMB.toFixed(1)];
    rows.push([name, ...figures, ...verdict(check, " ms", 0)]);
  }
  const notes = existsSync(BINARY) ? [] : ["note: dist/webserv is not built: left out"];
  const columns = ["start of", "CPU ms", "wall ms", "RSS MB", "must", ""];
  return [{ scenario: "start", title: `until listening, median of ${options.rounds}`, columns, rows, checks, notes }];
}

async function medianStart(command: (file: string) => string[], options: Options): Promise<Start> {
  const starts: Start[] = [];
  for (let round = 0; round <= options.rounds; round++) {
    const file = writeConfiguration({ site: options.site, port: freePort(), log: false });
    const once = await startOnce(command(file));
    if (round > 0) starts.push(once);
  }
  return {
    cpuMs: median(starts.map((once) => once.cpuMs)),
    wallMs: median(starts.map((once) => once.wallMs)),
    residentMB: median(starts.map((once) => once.residentMB)),
  };
}

async function startOnce(command: readonly string[]): Promise<Start> {
  const begun = performance.now();
  const process = Bun.spawn(onCpu(SERVER_CPU, command), { stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  const { value } = await process.stdout.getReader().read();
  const wallMs = performance.now() - begun;
  const nothing = { threads: new Map(), userTicks: 0, systemTicks: 0 };
  const cpuMs = cpuBetween(nothing, readCpu(process.pid)).total / 1000;
  const residentMB = readResident(process.pid) / 1024 / 1024;
  process.kill("SIGTERM");
  await process.exited;
  if (value === undefined) throw new Error(`${command.join(" ")}: ${await process.stderr.text()}`);
  return { cpuMs, wallMs, residentMB };
}
