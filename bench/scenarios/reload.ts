/** A hundred reloads in a minute under load, on connections that stay and on new ones: no request may fail, and memory must not grow. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { LOAD, type Load, run } from "../load.ts";
import { readDescriptors, readResident } from "../measure.ts";
import type { Options } from "../scenario.ts";
import { LOAD_CPU, type RunningServer, start } from "../servers/server.ts";
import { webserv } from "../servers/webserv.ts";
import { atMost, describe, type Report } from "../table.ts";

const RELOADS = 100;
const INTERVAL = 600;
/** Reloads between two looks at the memory. Growth counts from the second look: before, the runtime's heap takes its size. */
const BETWEEN_LOOKS = 20;
const SETTLE = 3000;
const MEGABYTE = 1024 * 1024;
const GROWTH_MB = 10;
const CLIENTS = 16;

interface Look {
  readonly reloads: number;
  readonly resident: number;
  readonly descriptors: number;
}

/** The scenario `reload`. `--requests` is those of one run of each load generator, which are repeated while there are reloads. */
export async function reload(options: Options): Promise<Report[]> {
  const server = await start(webserv, options.site, false);
  const log = logReloads(server, options.site.folder);
  const clients = options.clients ?? CLIENTS;
  const kept = repeat({ ...LOAD, clients, requests: options.requests ?? 20_000 }, server);
  const fresh = repeat({ ...LOAD, clients, requests: options.requests ?? 5_000, connect: true }, server);
  const looks: Look[] = [];
  for (let i = 1; i <= RELOADS; i++) {
    process.kill(server.pid, "SIGHUP");
    await Bun.sleep(INTERVAL);
    if (i % BETWEEN_LOOKS === 0) looks.push(look(server, i));
  }
  const [long, short] = [await kept.stop(), await fresh.stop()];
  await Bun.sleep(SETTLE);
  looks.push(look(server, RELOADS));
  await server.stop();
  const growth = (looks.at(-1)!.resident - looks[1]!.resident) / MEGABYTE;
  const checks = [
    atMost("reloads not done", RELOADS - (readFileSync(log, "utf8").split("reconfigured: ").length - 1), 0),
    atMost(`failed of ${long.requests} requests, keep-alive`, long.failed, 0),
    atMost(`failed of ${short.requests} requests, a new connection each`, short.failed, 0),
    atMost("growth of RSS in MB", growth, GROWTH_MB),
    atMost("descriptors left open", looks.at(-1)!.descriptors - looks[0]!.descriptors, 0),
  ];
  const columns = ["after reloads", "RSS MB", "descriptors"];
  const rows = looks.map((seen) => [`${seen.reloads}`, (seen.resident / MEGABYTE).toFixed(1), `${seen.descriptors}`]);
  const title = `${RELOADS} reloads in ${(RELOADS * INTERVAL) / 1000} s under load`;
  return [{ scenario: "reload", title, columns, rows, checks, notes: checks.map(describe) }];
}

/** Has the first reload open a log that tells of each one. Gives its path. */
function logReloads({ port }: RunningServer, folder: string): string {
  const configuration = join(folder, `webserv-${port}.conf`);
  const log = join(folder, `webserv-${port}.reloads`);
  writeFileSync(configuration, readFileSync(configuration, "utf8").replace("stderr crit", `${log} notice`));
  return log;
}

/** Puts `load` on the server again and again until it is stopped. */
function repeat(load: Load, server: RunningServer) {
  let over = false;
  const total = { requests: 0, failed: 0 };
  const runs = (async () => {
    while (!over) {
      total.failed += (await run(load, server.port, LOAD_CPU)).failed;
      total.requests += load.requests;
    }
  })();
  return {
    async stop() {
      over = true;
      await runs;
      return total;
    },
  };
}

const look = ({ pid }: RunningServer, reloads: number): Look => ({
  reloads,
  resident: readResident(pid),
  descriptors: readDescriptors(pid),
});
