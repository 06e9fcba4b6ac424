/** A million requests of several kinds: memory must not grow with them, and every descriptor must come back. */
import { LOAD, run } from "../load.ts";
import { readDescriptors, readResident } from "../measure.ts";
import type { Options } from "../scenario.ts";
import { LOAD_CPU, start } from "../servers/server.ts";
import { webserv } from "../servers/webserv.ts";
import { atMost, describe, type Report } from "../table.ts";

const REQUESTS = 1_000_000;
const SETTLE = 3000;
const MEGABYTE = 1024 * 1024;
const GROWTH_MB = 10;
/** A cached file, what is missing, and a folder: the replies of different parts of the server. */
const PATHS = ["/1k.html", "/missing.html", "/folder"];

/** The scenario `soak`. The first look at the memory is after a tenth of the requests. */
export async function soak(options: Options): Promise<Report[]> {
  const requests = options.requests ?? REQUESTS;
  const server = await start(webserv, options.site, false);
  const looks = [await look(server.pid, 0)];
  let failed = 0;
  for (const part of [requests / 10, (requests * 9) / 10]) {
    const load = { ...LOAD, clients: options.clients ?? LOAD.clients, paths: PATHS, expects: 0, requests: part };
    failed += (await run(load, server.port, LOAD_CPU)).failed;
    looks.push(await look(server.pid, looks[looks.length - 1].requests + part));
  }
  await server.stop();
  const [first, early, late] = looks;
  const checks = [
    atMost("growth of RSS in MB", (late.resident - early.resident) / MEGABYTE, GROWTH_MB),
    atMost("descriptors left open", late.descriptors - first.descriptors, 0),
    atMost("failed requests", failed, 0),
  ];
  const title = `memory and descriptors over ${requests} requests (200, 404 and 301)`;
  const columns = ["after requests", "RSS MB", "descriptors"];
  const rows = looks.map((seen) => [`${seen.requests}`, (seen.resident / MEGABYTE).toFixed(1), `${seen.descriptors}`]);
  return [{ scenario: "soak", title, columns, rows, checks, notes: checks.map(describe) }];
}

async function look(pid: number, requests: number) {
  await Bun.sleep(SETTLE);
  return { requests, resident: readResident(pid), descriptors: readDescriptors(pid) };
}
