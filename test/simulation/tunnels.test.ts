/** Tunnels (WebSockets) through the gateway, with faults on both connections: every byte arrives in order, or the tunnel ends, on both sides. */
import { loadConfig } from "../../src/config/load.ts";
import { VARIABLES } from "../../src/exchange/variables/variables.ts";
import type { Fault } from "./faults.ts";
import type { Random } from "./random.ts";
import { CONFIG_FILE } from "./site.ts";
import { type Plan, type SimulatedTunnel, TunnelServer } from "./tunnels.ts";
import { simulate, type Webserv } from "./webserv.ts";
import type { World } from "./world.ts";

const NETWORK: readonly Fault[] = ["EAGAIN", "EINTR", "short recv", "short send"];
const LEAVING: readonly Fault[] = ["ECONNRESET", "EPIPE", "ECONNABORTED"];
/** proxy_read_timeout in ms where silence is to end tunnels. */
const SILENCE = 3000;
/** Timers may be late by a turn, and the network needs time. */
const LATE = 800;

/** Each tunnel has one of few connections: later ones wait in the queue until earlier ones have ended. */
const MAIN =
  "upstream tunnels { server 10.0.0.1:8080 max_conns=3 max_fails=0; queue 50 timeout=1h; } limit_conn_zone $server_port zone=counted:32k;";
const server = (readTimeout: string): string => `
  location /t/ {
    limit_conn counted 100;
    proxy_pass http://tunnels;
    proxy_http_version 1.1;
    proxy_set_header Upgrade $http_upgrade;
    proxy_set_header Connection upgrade;
    proxy_read_timeout ${readTimeout};
  }`;
const PATIENT = { faults: NETWORK, server: server("1h"), main: MAIN };
const LEAVERS = { faults: [...NETWORK, ...LEAVING], server: server(`${SILENCE}ms`), main: MAIN };
const SILENT = { faults: NETWORK, server: server(`${SILENCE}ms`), main: MAIN };

function plan(random: Random, ends: Plan["ends"], slowest = 50): Plan {
  const isSlow = random.chance(0.3);
  return {
    length: random.chance(0.2) ? 0 : random.magnitude(1, 150_000),
    pause: random.magnitude(1, 300),
    reads: isSlow ? random.magnitude(1_000, 20_000) : 1 << 20,
    every: isSlow ? random.magnitude(1, slowest) : 0,
    ends,
  };
}

/** Some tunnels whose ends end as `ends` says. The run lasts until they are over. */
function tunnels(world: World, ends: () => readonly [Plan["ends"], Plan["ends"]]): SimulatedTunnel[] {
  const { random } = world;
  const origin = new TunnelServer(world);
  for (let i = random.between(1, 6); i > 0; i--) {
    const [client, remote] = ends();
    origin.tunnel(plan(random, client), plan(random, remote));
  }
  world.awaits(() => origin.tunnels.every(({ isOver }) => isOver));
  world.promises("none is counted any more", () => (world.subject as Webserv).isUncounted("80"));
  return origin.tunnels;
}

/** Both ends get everything. */
function promiseAll(world: World, all: readonly SimulatedTunnel[]): void {
  world.promises("both ends of each tunnel have everything", () => {
    return all.find(({ client, server }) => !(client.hasAll && server?.hasAll)) ?? true;
  });
}

const ORDERLY = [
  ["finish", "finish"],
  ["finish", "stay"],
  ["stay", "finish"],
] as const;

simulate("tunnels with half-closes and slow readers", { seeds: 240, ...PATIENT }, (world) => {
  promiseAll(
    world,
    tunnels(world, () => world.random.pick(ORDERLY)),
  );
});

simulate("tunnels and reloads", { seeds: 120, ...PATIENT }, (world) => {
  promiseAll(
    world,
    tunnels(world, () => world.random.pick(ORDERLY)),
  );
  world.afterEachTurn(() => {
    if (world.random.chance(0.05)) reload(world);
  });
});

function reload({ kernel, subject }: World): void {
  const { config } = loadConfig({ kernel, variables: VARIABLES, file: CONFIG_FILE, prefix: "/" });
  if (!(subject as Webserv).server.reload(config!).adopted) throw new Error("the reload was refused");
}

simulate("tunnels whose ends reset, vanish or fall silent", { seeds: 240, ...LEAVERS }, (world) => {
  const { random } = world;
  const any = (): Plan["ends"] => random.pick(["finish", "reset", "stay", "vanish"]);
  tunnels(world, () => [any(), any()]);
});

simulate("tunnels that the server's stop ends", { seeds: 120, ...LEAVERS }, (world) => {
  const { random, kernel } = world;
  const origin = new TunnelServer(world);
  for (let i = random.between(1, 6); i > 0; i--) origin.tunnel(plan(random, "stay"), plan(random, "finish"));
  const until = kernel.clock.now + random.between(0, 3000);
  world.awaits(() => kernel.clock.now >= until);
  world.at(until, () => {}); // wakes the loop
  world.atEnd("every tunnel is closed", () => origin.tunnels.find(({ isClosed }) => !isClosed) ?? true);
});

simulate("idle tunnels end after proxy_read_timeout", { seeds: 120, ...SILENT }, (world) => {
  const all = tunnels(world, () => ["stay", "stay"]);
  world.promises("each has lasted so long, and not longer", () => {
    for (const { client, server } of all) {
      const idle = client.connection!.closedAt - Math.max(client.movedAt, server!.movedAt);
      if (idle < SILENCE - LATE || idle > SILENCE + LATE) return `${idle} ms`;
    }
    return true;
  });
});
