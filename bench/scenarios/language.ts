/** A small file where the configuration has 20 locations, 5 maps and 3 rewrites, beside a bare one and nginx with the same. */
import { readFileSync, writeFileSync } from "node:fs";
import { type Contender, type Cost, checkRow, costColumns, costRow, measure } from "../compare.ts";
import { LOAD } from "../load.ts";
import { isAvailable, type Options } from "../scenario.ts";
import { nginx } from "../servers/nginx.ts";
import { type Peer, type RunningServer, type Setup, start } from "../servers/server.ts";
import { webserv } from "../servers/webserv.ts";
import { atMost, type Report } from "../table.ts";
import { limitReq } from "./limit-req.ts";

const MAPS = `
  map $http_upgrade $connection_upgrade { default upgrade; "" close; }
  map $http_user_agent $is_bot { default 0; ~*(ahrefs|semrush|mj12)bot 1; "~^curl/" 0; }
  map $http_accept_language $language { default en; ~*^de de; ~*^fr fr; }
  map $host $site { hostnames; default main; *.example.org org; blog.* blog; }
  map $sent_http_content_type $lifetime { default off; ~image/ 30d; text/css 1y; }
`;

/** None of them is for the file that is asked for: a request passes the rewrites and the search for its location. */
const REWRITES = `
  rewrite ^/old/(.*)$ /new/$1 permanent;
  rewrite ^/blog/(\\d+)/(.*)$ /posts/$2?year=$1 last;
  rewrite ^/sitemap_index\\.xml$ /index.php?sitemap=1 last;
`;

const LOCATIONS = [
  ...[
    "/api/",
    "/static/",
    "/media/",
    "/admin/",
    "/assets/",
    "/images/",
    "/docs/",
    "/downloads/",
    "/feed",
    "/search",
  ].map((path) => `location ${path} { add_header X-Language $language; return 200 "$site $is_bot"; }`),
  ...["/robots.txt", "/favicon.ico", "/ping", "/status"].map((path) => `location = ${path} { return 204; }`),
  ...["/ws", "/.well-known/"].map((path) => `location ^~ ${path} { return 200 $connection_upgrade; }`),
  "location ~ /\\.ht { deny all; }",
  "location ~ \\.php$ { return 404; }",
  "location ~* \\.(css|js|png|jpg|jpeg|gif|ico|svg|woff2)$ { expires $lifetime; }",
  "location / { }",
].join("\n  ");

/** A peer whose configuration, the last argument of its command, has them too. */
const speaking = (peer: Peer): Peer => ({
  ...peer,
  name: `${peer.family} with 20 locations, 5 maps, 3 rewrites`,
  command: (setup: Setup) => {
    const command = peer.command(setup);
    const file = command.at(-1)!;
    const text = readFileSync(file, "utf8");
    writeFileSync(
      file,
      text
        .replace(/^\s*server \{/m, `${MAPS}server {`)
        .replace(/^\s*root .*\n/m, (root) => `${root}${REWRITES}  ${LOCATIONS}\n`),
    );
    return command;
  },
});

/** The scenario `language`. */
export async function language(options: Options): Promise<Report[]> {
  const peers = [webserv, speaking(webserv), speaking(nginx[0]!)].filter((peer) => isAvailable(peer, options));
  const servers: RunningServer[] = [];
  for (const peer of peers) servers.push(await start(peer, options.site, false));
  const load = { ...LOAD, requests: options.requests ?? LOAD.requests, clients: options.clients ?? LOAD.clients };
  const contenders: Contender[] = servers.map((server) => ({ server, load }));
  const costs = await measure(contenders, options.rounds);
  for (const server of servers) await server.stop();
  return [report(contenders, costs, options), await limitReq()];
}

function report(contenders: readonly Contender[], costs: readonly Cost[], options: Options): Report {
  const names = contenders.map(({ server }) => server.peer.name);
  const [bare, ours, theirs] = [webserv, speaking(webserv), speaking(nginx[0]!)].map(
    ({ name }) => costs[names.indexOf(name)]?.total ?? Number.NaN,
  );
  const checks = [
    atMost("with the language / bare", ours! / bare!, 1.15),
    atMost("with the language / nginx's", ours! / theirs!, 0.8),
    atMost(
      "failed requests",
      costs.reduce((sum, { failed }) => sum + failed, 0),
      0,
    ),
  ].filter(({ value }) => !Number.isNaN(value));
  return {
    scenario: "language",
    title: `1 KB file, a configuration of many directives (median of ${options.rounds})`,
    columns: costColumns("server"),
    rows: [...costs.map((each, i) => costRow(names[i]!, each)), ...checks.map(checkRow)],
    checks,
    notes: [],
  };
}
