/** Groups of servers, some of which fail: no GET fails while one server is well, `max_conns` holds, and reloads lose nothing. */
import { describe } from "bun:test";
import { loadConfig } from "../../src/config/load.ts";
import { VARIABLES } from "../../src/exchange/variables/variables.ts";
import type { Fault } from "./faults.ts";
import { CONFIG_FILE } from "./site.ts";
import { pass, Upstream } from "./upstream.ts";
import { simulate, type Webserv } from "./webserv.ts";
import type { World } from "./world.ts";

const FAULTS: readonly Fault[] = ["EAGAIN", "EINTR", "short recv", "short send"];
const SERVER = `
  location /p/ {
    proxy_pass http://servers;
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    proxy_connect_timeout 2s;
  }`;
const HOSTS = ["10.0.0.1", "10.0.0.2", "10.0.0.3"];

/** Modes whose reply to a GET is good, also where the connection ends behind it. */
const MODES = ["length", "chunks", "says-close", "closes-while-kept"] as const;

const upstreams = (world: World, hosts = HOSTS): Upstream[] =>
  hosts.map((host) => new Upstream(world.kernel, world.random.fork(), host, 8080));

function clients(world: World, most: number): void {
  const { random } = world;
  world.patient = true; // a server that is not there costs time
  for (let i = random.between(1, most); i > 0; i--) {
    const client = world.client();
    for (let n = random.between(1, 8); n > 0; n--) {
      client.sends(pass(random.pick(MODES), random.magnitude(1, 20_000))).awaits();
      if (random.chance(0.3)) client.pauses(random.magnitude(1, 11_000));
    }
  }
}

describe("no GET fails while one server is well", () => {
  for (const method of [
    "",
    "least_conn;",
    "ip_hash;",
    "hash $request_uri;",
    "hash $request_uri consistent;",
    "random;",
    "random two least_conn;",
    "sticky cookie srv;",
  ]) {
    const main = `upstream servers { ${method} ${HOSTS.map((host) => `server ${host}:8080;`).join(" ")} keepalive 2; }`;
    simulate(
      method === "" ? "round robin" : method,
      { seeds: 60, faults: FAULTS, server: SERVER, main, closing: true },
      (world) => {
        const [, ...bad] = upstreams(world);
        clients(world, 6);
        world.afterEachTurn(() => {
          if (!world.random.chance(0.05)) return;
          for (const one of bad) {
            one.refusing = world.random.pick([0, 0.5, 1]);
            one.hanging = world.random.pick([0, 0, 0.2]);
          }
        });
      },
    );
  }
});

const limited = `upstream servers {
  server 10.0.0.1:8080 max_conns=1;
  server 10.0.0.2:8080 max_conns=2;
  queue 50 timeout=60s;
}`;
simulate(
  "max_conns holds, and the queue loses nobody",
  { seeds: 100, faults: FAULTS, server: SERVER, main: limited, closing: true },
  (world) => {
    const [first, second] = upstreams(world, HOSTS.slice(0, 2)) as [Upstream, Upstream];
    clients(world, 12);
    const open = (one: Upstream): number =>
      one.connections.filter(({ connection }) => connection !== null && !connection.closedByServer).length;
    world.afterEachTurn(() => {
      if (open(first) > 1 || open(second) > 2) throw new Error(`max_conns: ${open(first)} of 1, ${open(second)} of 2`);
    });
  },
);

const VARIANTS = [
  "server 10.0.0.1:8080; server 10.0.0.2:8080; keepalive 4;",
  "server 10.0.0.1:8080 weight=3; server 10.0.0.2:8080; keepalive 1;",
  "least_conn; server 10.0.0.2:8080; server 10.0.0.1:8080;",
  "server 10.0.0.1:8080 max_conns=1; queue 100;",
];
simulate(
  "reloads that change the group, or its health checks, or nothing",
  { seeds: 100, faults: FAULTS, server: SERVER, main: `upstream servers { ${VARIANTS[0]} }`, closing: true },
  (world) => {
    const { kernel, random } = world;
    upstreams(world, HOSTS.slice(0, 2));
    clients(world, 6);
    const { tree } = kernel.files;
    const text = tree.at(CONFIG_FILE)!.content.latin1Slice();
    world.afterEachTurn(() => {
      if (!random.chance(0.05)) return;
      const group = `upstream servers { ${random.pick(VARIANTS)} }`;
      const check = random.chance(0.5) ? "health_check interval=1s uri=/p/length?5;" : "";
      tree.remove(CONFIG_FILE);
      tree.file(
        CONFIG_FILE,
        text.replace(/upstream servers \{.*\}/, group).replace("proxy_pass", () => `${check} proxy_pass`),
      );
      const { config, diagnostics } = loadConfig({ kernel, variables: VARIABLES, file: CONFIG_FILE, prefix: "/" });
      if (config === null) throw new Error(diagnostics.map(({ message }) => message).join("; "));
      (world.subject as Webserv).server.reload(config);
    });
  },
);
