/**
 * A text of 100 KB to clients that take gzip: compressed on the way by nginx for each request, by us once and then kept; the same
 * beside a file as it is, of the size that the text is compressed to; and a file that was compressed ahead of time.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { type Contender, type Cost, checkRow, costColumns, costRow, measure } from "../compare.ts";
import { LOAD } from "../load.ts";
import { isAvailable, type Options } from "../scenario.ts";
import { nginx } from "../servers/nginx.ts";
import { type Peer, type RunningServer, start } from "../servers/server.ts";
import { webserv } from "../servers/webserv.ts";
import type { Site } from "../site.ts";
import { atMost, type Report } from "../table.ts";

const SIZE = 100 * 1024;
const COLUMNS = costColumns("what");

/** Text of `size` bytes in words that follow no simple rule, the same each time: gzip makes about half of it. */
export function words(size: number): string {
  let state = 1;
  const next = (below: number): number => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    return Math.floor((state / 0x7fffffff) * below);
  };
  const word = (): string =>
    Array.from({ length: 2 + next(8) }, () => "etaoinshrdlucmfwypvbgk"[next(next(22) + 1)]).join("");
  const known = Array.from({ length: 3000 }, word);
  let text = "";
  while (text.length < size) text += `${known[next(next(3000) + 1)]}${next(10) === 0 ? ".\n" : " "}`;
  return text.slice(0, size);
}

function makeFiles({ root }: Site): void {
  const text = words(SIZE);
  const compressed = gzipSync(text, { level: 1 });
  writeFileSync(join(root, "text.html"), text);
  writeFileSync(join(root, "sized.html"), text.slice(0, compressed.length));
  writeFileSync(join(root, "ahead.html"), text);
  writeFileSync(join(root, "ahead.html.gz"), gzipSync(text, { level: 9 }));
}

/** A peer whose configuration, the last argument of its command, also has locations that compress. */
const compressing = (peer: Peer): Peer => ({
  ...peer,
  command: (setup) => {
    const command = peer.command(setup);
    const file = command.at(-1)!;
    const root = `  root ${setup.site.root};\n`;
    const locations = `${root}  gzip_vary on;\n  location = /text.html { gzip on; }\n  location = /ahead.html { gzip_static on; }\n`;
    writeFileSync(file, readFileSync(file, "utf8").replace(/^\s*root .*\n/m, locations));
    return command;
  },
});

/** The scenario `gzip`. */
export async function gzip(options: Options): Promise<Report[]> {
  makeFiles(options.site);
  const peers = [webserv, nginx[0]!].filter((peer) => isAvailable(peer, options)).map(compressing);
  const servers: RunningServer[] = [];
  for (const peer of peers) servers.push(await start(peer, options.site, false));
  const contenders = servers.flatMap((server) => [
    ask(server, "/text.html", options),
    ask(server, "/sized.html", options),
    ask(server, "/ahead.html", options),
  ]);
  const costs = await measure(contenders, options.rounds);
  for (const server of servers) await server.stop();
  return [report(contenders, costs, options)];
}

function ask(server: RunningServer, path: string, options: Options): Contender {
  const requests = options.requests ?? 5_000;
  const clients = options.clients ?? LOAD.clients;
  return { server, load: { ...LOAD, requests, clients, paths: [path], headers: ["Accept-Encoding: gzip"] } };
}

function report(contenders: readonly Contender[], costs: readonly Cost[], options: Options): Report {
  const names = contenders.map(({ server, load }) => `${server.peer.family} ${load.paths[0]}`);
  const cost = (name: string): number => costs[names.indexOf(name)]?.total ?? Number.NaN;
  const musts: [what: string, beside: string, limit: number][] = [
    ["webserv /text.html", "nginx /text.html", 0.15],
    ["webserv /text.html", "webserv /sized.html", 1.1],
    ["webserv /ahead.html", "nginx /ahead.html", 0.9],
  ];
  const checks = musts
    .filter(([what, beside]) => names.includes(what) && names.includes(beside))
    .map(([what, beside, limit]) => atMost(`${what} / ${beside}`, cost(what) / cost(beside), limit));
  const failed = costs.reduce((sum, each) => sum + each.failed, 0);
  checks.push(atMost("failed requests", failed, 0));
  const rows = [...costs.map((each, i) => costRow(names[i]!, each)), ...checks.map(checkRow)];
  const title = `100 KB of text by gzip (${options.requests ?? 5_000} requests, median of ${options.rounds})`;
  return { scenario: "gzip", title, columns: COLUMNS, rows, checks, notes: [] };
}
