/** siege's benchmark mode: a hundred users who never pause, for a minute. Every request answered, nothing left hanging. */
import { readDescriptors, readResident } from "../measure.ts";
import type { Options } from "../scenario.ts";
import { LOAD_CPU, onCpu, start } from "../servers/server.ts";
import { webserv } from "../servers/webserv.ts";
import { atMost, describe, type Report } from "../table.ts";

const USERS = 100;
const SECONDS = 60;
const SETTLE = 3000;

/** The scenario `siege`. `--clients` is the number of users. */
export async function siege(options: Options): Promise<Report[]> {
  const columns = ["siege -b", "transactions", "availability", "failed", "hanging", "RSS MB"];
  const title = `${options.clients ?? USERS} users for ${SECONDS} s`;
  const none: Report = { scenario: "siege", title, columns, rows: [], checks: [], notes: [] };
  if (Bun.which("siege") === null) return [{ ...none, notes: ["note: siege is not installed: left out"] }];
  const server = await start(webserv, options.site, false);
  await Bun.sleep(SETTLE);
  const before = readDescriptors(server.pid);
  const said = await besiege(server.port, options.clients ?? USERS);
  await Bun.sleep(SETTLE);
  const hanging = readDescriptors(server.pid) - before;
  const resident = (readResident(server.pid) / 1024 / 1024).toFixed(1);
  await server.stop();
  const [transactions, availability, failed] = ["transactions", "availability", "failed_transactions"].map((name) =>
    siegeFigure(said, name),
  );
  const row = ["webserv", `${transactions}`, `${availability.toFixed(2)} %`, `${failed}`, `${hanging}`, resident];
  const checks = [
    atMost("unavailability in %", 100 - availability, 0),
    atMost("failed transactions", failed, 0),
    atMost("connections left hanging", hanging, 0),
  ];
  return [{ ...none, rows: [row], checks, notes: checks.map(describe) }];
}

/** A figure of siege's JSON summary; siege prints other lines around it. NaN when it is not there. */
export function siegeFigure(output: string, name: string): number {
  return Number(new RegExp(`"${name}":\\s*([\\d.]+)`).exec(output)?.[1] ?? Number.NaN);
}

async function besiege(port: number, users: number): Promise<string> {
  const command = [
    "siege",
    "-b",
    "-j",
    "-q",
    "-c",
    `${users}`,
    "-t",
    `${SECONDS}S`,
    `http://127.0.0.1:${port}/1k.html`,
  ];
  const process = Bun.spawn(onCpu(LOAD_CPU, command), { stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  const [output, errors] = await Promise.all([process.stdout.text(), process.stderr.text()]);
  return output + errors;
}
