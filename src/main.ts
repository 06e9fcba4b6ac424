/** The program: command line -> configuration -> server. Exit status: 0: stopped normally, 1: bad configuration or address, 2: bad usage. */
import { SIGHUP, SIGQUIT, SIGTERM, SIGUSR1 } from "../ffi/abi.ts";
import { errnoText } from "../ffi/errno.ts";
import { linux } from "../ffi/linux.ts";
import { lookUp } from "../ffi/lookup.ts";
import { version } from "../package.json";
import { dumpFiles, formatDiagnostics, type Loaded, type LoadOptions, loadConfig } from "./config/load.ts";
import type { Config } from "./config/model.ts";
import { VARIABLES } from "./exchange/variables/variables.ts";
import { announcement } from "./main/announcement.ts";
import { type CommandLine, parseCommandLine, type SignalName, USAGE } from "./main/command-line.ts";
import { explain } from "./main/explain/command.ts";
import { writeError, writeOut } from "./main/output.ts";
import { passwd } from "./main/passwd.ts";
import { readPid, removePid, writePid } from "./main/pid-file.ts";
import { Reloader } from "./main/reload.ts";
import { ServerClock } from "./server/clock.ts";
import { Logs } from "./server/logs/logs.ts";
import { Server } from "./server/server.ts";

const out = (text: string): boolean => writeOut(linux, text);
const err = (text: string): boolean => writeError(linux, text);

/** The signal for each argument of `-s`. */
const SIGNALS: { readonly [name in SignalName]: number } = {
  stop: SIGTERM,
  quit: SIGQUIT,
  reload: SIGHUP,
  reopen: SIGUSR1,
};

async function main(): Promise<number> {
  const rest = process.argv.slice(3);
  if (process.argv[2] === "passwd") return passwd(linux, rest);
  const loading = { variables: VARIABLES, searchPath: process.env.PATH };
  if (process.argv[2] === "explain") return explain(linux, rest, loading, process.env);
  const command = parseCommandLine(process.argv.slice(2));
  if (typeof command === "string") return usageError(command);
  if (command.help) return print(USAGE);
  if (command.version) return print(`webserv ${version}\n`);
  const options: LoadOptions = {
    kernel: linux,
    ...loading,
    ...command,
    file: command.config,
    lookUp,
  };
  const loaded = loadConfig(options);
  err(formatDiagnostics(loaded.diagnostics));
  if (command.test) return report(command, loaded);
  if (loaded.config === null) return 1;
  if (command.signal !== undefined) return sendSignal(command.signal, loaded.config);
  return serve(loaded.config, options);
}

function print(text: string): number {
  return out(text) ? 0 : 1;
}

function usageError(problem: string): number {
  err(`webserv: error: ${problem}\n${USAGE}`);
  return 2;
}

/** Prints the result of -t and -T and gives the exit status. Warnings alone are no failure. */
function report(command: CommandLine, loaded: Loaded): number {
  const problems = loaded.config === null ? [] : logProblems(loaded.config);
  err(problems.map((problem) => `${problem}\n`).join(""));
  const wrong = loaded.diagnostics.some(({ severity }) => severity === "error");
  const bad = loaded.config === null || wrong || problems.length > 0;
  err(`configuration file ${command.config} test ${bad ? "failed" : "is successful"}\n`);
  return bad ? 1 : command.dump ? print(dumpFiles(loaded.files)) : 0;
}

/** What is wrong with the logs. As in nginx, missing log files are created. */
function logProblems(config: Config): string[] {
  const logs = new Logs(linux, new ServerClock(linux), config.errorLog);
  const problems = logs.open(config);
  logs.close();
  return problems;
}

function sendSignal(name: SignalName, { pidFile }: Config): number {
  if (pidFile === null) return fail("-s needs a pid file: the configuration has no `pid` directive");
  const pid = readPid(linux, pidFile);
  if (typeof pid === "string") return fail(pid);
  const n = linux.kill(pid, SIGNALS[name]);
  return n < 0 ? fail(`kill(${pid}) failed (${errnoText(n)})`) : 0;
}

function fail(message: string): number {
  err(`webserv: error: ${message}\n`);
  return 1;
}

async function serve(config: Config, options: LoadOptions): Promise<number> {
  const server = new Server(linux, config, `webserv/${version}`, process.env);
  err(
    server
      .start(options.keepGoing)
      .map((problem) => `${problem}\n`)
      .join(""),
  );
  if (!server.listening) return 1;
  const problem = config.pidFile === null ? "" : writePid(linux, config.pidFile);
  if (problem !== "") {
    server.stop();
    return fail(problem);
  }
  const reloader = new Reloader(linux, server, { ...options, prefix: config.prefix });
  handleSignals(server, reloader);
  out(announcement(linux, server.sites));
  try {
    await server.run();
  } finally {
    server.dispose();
    if (reloader.pidFile !== null) removePid(linux, reloader.pidFile);
  }
  return 0;
}

function handleSignals(server: Server, reloader: Reloader): void {
  for (const name of ["SIGTERM", "SIGINT"] as const) process.on(name, () => server.stop());
  process.on("SIGQUIT", () => server.quit());
  process.on("SIGUSR1", () => server.logs.reopen());
  process.on("SIGHUP", () => reloader.request());
}

process.exit(await main());
