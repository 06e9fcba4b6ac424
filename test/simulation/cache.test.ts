/** A cache before other servers, with faults of network and disk in every call: each client gets its reply, stored or not, and nothing is left. */
import type { Fault } from "./faults.ts";
import { COMPLETE, pass, Upstream } from "./upstream.ts";
import { simulate, type Webserv } from "./webserv.ts";
import type { World } from "./world.ts";

const NETWORK: readonly Fault[] = ["EAGAIN", "EINTR", "short recv", "short send", "short sendfile", "short read"];
const DISK: readonly Fault[] = ["short write", "ENOSPC", "EDQUOT", "EIO in writing", "EROFS", "EMFILE", "ENFILE"];

const MAIN = `
  upstream servers { server 10.0.0.1:8080 max_fails=0; keepalive 3; }
  proxy_cache_path /zone levels=1:2 keys_zone=z:1m max_size=200k inactive=1m;`;
const server = (plus: string): string => `
  location /p/ {
    proxy_pass http://servers;
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    proxy_connect_timeout 2s;
    proxy_read_timeout 3s;
    proxy_cache z;
    proxy_cache_valid 200 1s;
    ${plus}
  }`;
/** Not of these servers: what is not read when a server resets is lost; a second reply may come only when the next request is there. */
const OTHERS: readonly string[] = ["resets-while-kept", "two-replies", "too-much"];
const MODES = (Object.keys(COMPLETE) as (keyof typeof COMPLETE)[]).filter(
  (mode) => !("status" in COMPLETE[mode]) && !OTHERS.includes(mode),
);

function fewPages(world: World, leaving: boolean): void {
  const { kernel, random } = world;
  new Upstream(kernel, random.fork(), "10.0.0.1", 8080);
  world.patient = true;
  world.awaits(() => {
    const { services, subrequests } = (world.subject as Webserv).server;
    return subrequests.count === 0 && !services.caches.isWriting;
  });
  const pages = Array.from({ length: 3 }, () => [random.pick(MODES), random.magnitude(1, 150_000)] as const);
  const ask = () => {
    const [mode, size] = random.pick(pages);
    return pass(mode, size, { method: random.chance(0.2) ? "HEAD" : "GET" });
  };
  for (let i = random.between(2, 8); i > 0; i--) {
    const client = world.client();
    for (let n = random.between(1, 8); n > 0; n--) {
      client.sends(ask()).awaits();
      if (random.chance(0.2)) client.pauses(random.magnitude(1, 2500));
    }
    if (!leaving || random.chance(0.5)) continue;
    client.impolitely().reads(random.magnitude(1, 5000), 50);
    client.sends(ask()).pauses(random.magnitude(1, 500));
    if (random.chance(0.5)) client.resets();
    else client.vanishes();
  }
}

for (const [name, plus] of [
  ["without a lock", ""],
  [
    "with a lock",
    "proxy_cache_lock on; proxy_cache_use_stale updating error timeout; proxy_cache_background_update on;",
  ],
] as const) {
  simulate(
    `clients of a cache ${name}`,
    { seeds: 60, faults: NETWORK, server: server(plus), main: MAIN, closing: true },
    (world) => fewPages(world, false),
  );
  simulate(
    `a cache ${name}, clients that leave, a disk that fails`,
    {
      seeds: 120,
      faults: [...NETWORK, ...DISK, "ECONNRESET", "EPIPE"],
      server: server(plus),
      main: MAIN,
      closing: true,
      tolerates: [400, 408, 500, 502, 504],
    },
    (world) => fewPages(world, true),
  );
}
