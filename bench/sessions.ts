/**
 * `bun bench/sessions.ts [SESSIONS]`: the cost of sessions in a real server. Measures the resident memory of SESSIONS (10,000)
 * sessions with 100 bytes of data each, in memory and in SQLite, and the CPU time of a request for a small file without a
 * session, with one in memory, and with one in SQLite. Exit status 1: 10,000 sessions take more than 10 MB.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Contender, measure } from "./compare.ts";
import { LOAD } from "./load.ts";
import { readResident } from "./measure.ts";
import { type Peer, type RunningServer, type Setup, start, stopAll } from "./servers/server.ts";
import { SOURCE, webserv } from "./servers/webserv.ts";
import { makeSite, removeSite } from "./site.ts";
import { atMost, describe, format } from "./table.ts";

const SESSIONS = Number(Bun.argv[2] ?? 10_000);
const MUST = 10; // MB
const ROUNDS = 3;
const SETTLE = 1500;
/** 100 bytes of typical session data. */
const DATA = JSON.stringify({
  name: "Ada Lovelace",
  language: "en",
  visits: 17,
  seen: ["/a", "/b"],
  note: "x".repeat(22),
});

const peer: Peer = { ...webserv, command: (setup) => [process.execPath, "run", SOURCE, configure(setup)] };

function configure({ site, port }: Setup): string {
  const file = join(site.folder, `sessions-${port}.conf`);
  const locations = ["memory", join(site.folder, "sessions.db")].map(
    (store, i) => `
  location /with${i}/ { alias ${site.root}/; session on; session_store ${store}; session_max 1000000; }
  location /api${i} { session_api; session_store ${store}; session_max 1000000; }
  location /warm${i} { session_api; session_store ${store}; session_cookie warm; session_max 1; }`,
  );
  writeFileSync(
    file,
    `error_log stderr error; keepalive_requests 1000000000; keepalive_timeout 1h;
server {
  listen 127.0.0.1:${port}; root ${site.root};${locations.join("")}
}
`,
  );
  return file;
}

/** Lets new visitors store their data at `path`, one after the other on one connection. Gives the last one's cookie. */
async function store({ port }: RunningServer, path: string, visitors: number): Promise<string> {
  const request = `POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: ${DATA.length}\r\n\r\n${DATA}`;
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  let left = visitors;
  const socket = await Bun.connect({
    hostname: "127.0.0.1",
    port,
    socket: {
      data(socket, bytes) {
        const text = bytes.toString("latin1");
        if (!text.startsWith("HTTP/1.1 200 ")) reject(new Error(text));
        else if (--left > 0) socket.write(request);
        else resolve(/Set-Cookie: ([^;]*)/.exec(text)![1]!);
      },
      close: () => reject(new Error("the server closed the connection")),
    },
  });
  socket.write(request);
  return promise.finally(() => socket.end());
}

/** MB that the sessions in store `i` add, compared with a server that handled the same requests without storing sessions. */
async function memory(server: RunningServer, i: number): Promise<number> {
  await store(server, `/warm${i}`, SESSIONS);
  await Bun.sleep(SETTLE);
  const before = readResident(server.pid);
  await store(server, `/api${i}`, SESSIONS);
  await Bun.sleep(SETTLE);
  return (readResident(server.pid) - before) / 2 ** 20;
}

const site = makeSite();
try {
  const server = await start(peer, site, false);
  const checks = [];
  for (const [i, name] of ["memory", "SQLite"].entries()) {
    checks.push(
      atMost(
        `MB of RSS for ${SESSIONS} sessions of ${DATA.length} bytes, ${name}`,
        await memory(server, i),
        (MUST * SESSIONS) / 10_000,
      ),
    );
  }
  const cookies = [await store(server, "/api0", 1), await store(server, "/api1", 1)];
  const load = { ...LOAD, requests: 30_000 };
  const contenders: Contender[] = [
    { server, load },
    ...cookies.map((cookie, i) => ({
      server,
      load: { ...load, paths: [`/with${i}/1k.html`], headers: [`Cookie: ${cookie}`] },
    })),
    { server, load: { ...load, paths: ["/with0/1k.html"] } },
  ];
  const names = ["no session", "a session, memory", "a session, SQLite", "a new visitor each"];
  const costs = await measure(contenders, ROUNDS);
  const rows = costs.map(({ total, requestsPerSecond, failed }, i) => [
    names[i]!,
    total.toFixed(2),
    requestsPerSecond.toFixed(0),
    `${failed}`,
  ]);
  const columns = ["request for 1 KB", "CPU us", "requests/s", "failed"];
  console.log(
    format({ scenario: "sessions", title: `median of ${ROUNDS}`, columns, rows, checks, notes: checks.map(describe) }),
  );
  process.exitCode = checks.every(({ pass }) => pass) ? 0 : 1;
} finally {
  await stopAll();
  removeSite(site);
}
