/** Hits of a cache, of 1 KB and of 1 MB, beside nginx's. The server behind is asked once for each. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Contender, type Cost, checkRow, costColumns, costRow, measure } from "../compare.ts";
import { LOAD } from "../load.ts";
import { isAvailable, type Options } from "../scenario.ts";
import { nginx } from "../servers/nginx.ts";
import { type Peer, type RunningServer, type Setup, start } from "../servers/server.ts";
import { webserv } from "../servers/webserv.ts";
import { atMost, type Report } from "../table.ts";

/** What is asked for, how often, and the most that it may cost beside nginx. */
const SIZES = [
  ["1 KB", "/1k", 1024, 20_000, 0.6],
  ["1 MB", "/1m", 1024 * 1024, 1_000, 1.0],
] as const;
const COLUMNS = costColumns("what");

/** A peer whose configuration, the last argument of its command, has a cache before the server on `port`. */
const caching = (peer: Peer, port: number): Peer => ({
  ...peer,
  command: (setup: Setup) => {
    const command = peer.command(setup);
    const file = command.at(-1)!;
    const folder = join(setup.site.folder, `cache-${setup.port}`);
    mkdirSync(folder, { recursive: true });
    const root = `  root ${setup.site.root};\n`;
    const block = `proxy_pass http://127.0.0.1:${port}; proxy_cache z; proxy_cache_valid 1h;`;
    const locations = SIZES.map(([, path]) => `  location = ${path} { ${block} }\n`).join("");
    const zone = `proxy_cache_path ${folder} levels=1:2 keys_zone=z:1m use_temp_path=off;\n`;
    const text = readFileSync(file, "utf8").replace(/^\s*root .*\n/m, `${root}${locations}`);
    writeFileSync(file, /^http \{/m.test(text) ? text.replace(/^http \{/m, `http {\n  ${zone}`) : `${zone}${text}`);
    return command;
  },
});

/** The scenario `cache`. */
export async function cache(options: Options): Promise<Report[]> {
  const bodies = new Map<string, Buffer>(SIZES.map(([, path, size]) => [path, Buffer.alloc(size, "0123456789abcdef")]));
  const behind = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: (request) =>
      new Response(bodies.get(new URL(request.url).pathname)!, { headers: { "Content-Type": "text/plain" } }),
  });
  const peers = [webserv, nginx[0]!]
    .filter((peer) => isAvailable(peer, options))
    .map((peer) => caching(peer, behind.port!));
  const servers: RunningServer[] = [];
  for (const peer of peers) servers.push(await start(peer, options.site, false));
  const contenders = SIZES.flatMap(([, path, , requests]) =>
    servers.map((server) => ask(server, path, requests, options)),
  );
  const costs = await measure(contenders, options.rounds);
  for (const server of servers) {
    await server.stop();
    rmSync(join(options.site.folder, `cache-${server.port}`), { recursive: true, force: true });
  }
  await behind.stop(true);
  return [report(contenders, costs, options)];
}

function ask(server: RunningServer, path: string, most: number, options: Options): Contender {
  const clients = options.clients ?? LOAD.clients;
  return { server, load: { ...LOAD, requests: options.requests ?? most, clients, paths: [path] } };
}

function report(contenders: readonly Contender[], costs: readonly Cost[], options: Options): Report {
  const names = contenders.map(({ server, load }) => `${server.peer.family} ${load.paths[0]}`);
  const cost = (name: string): number => costs[names.indexOf(name)]?.total ?? Number.NaN;
  const checks = SIZES.filter(([, path]) => names.includes(`webserv ${path}`) && names.includes(`nginx ${path}`)).map(
    ([what, path, , , limit]) =>
      atMost(`a hit of ${what} / nginx's`, cost(`webserv ${path}`) / cost(`nginx ${path}`), limit),
  );
  checks.push(
    atMost(
      "failed requests",
      costs.reduce((sum, { failed }) => sum + failed, 0),
      0,
    ),
  );
  const rows = [...costs.map((each, i) => costRow(names[i]!, each)), ...checks.map(checkRow)];
  return {
    scenario: "cache",
    title: `hits of a cache (median of ${options.rounds})`,
    columns: COLUMNS,
    rows,
    checks,
    notes: [],
  };
}
