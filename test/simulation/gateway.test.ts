/** Requests to other servers, good and bad ones, with faults in every call: each client gets its reply or a clear error, and nothing is left. */
import type { Client } from "./client.ts";
import type { Fault } from "./faults.ts";
import type { Random } from "./random.ts";
import { get, type Request, TARGETS } from "./site.ts";
import { COMPLETE, CUT, pass, Upstream } from "./upstream.ts";
import { simulate } from "./webserv.ts";
import type { World } from "./world.ts";

const NETWORK: readonly Fault[] = [
  "EAGAIN",
  "EINTR",
  "short recv",
  "short send",
  "short sendfile",
  "short read",
  "short write",
];
const LEAVING: readonly Fault[] = ["ECONNRESET", "EPIPE", "ECONNABORTED"];

const SERVER = `
  client_body_buffer_size 4k;
  location /p/ {
    proxy_pass http://servers;
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    proxy_connect_timeout 2s;
    proxy_send_timeout 3s;
    proxy_read_timeout 3s;
    PLUS
  }`;
const MAIN = "upstream servers { server 10.0.0.1:8080 max_fails=0; server 10.0.0.2:8080 max_fails=0; keepalive 3; }";
const server = (plus: string): string => SERVER.replace("PLUS", plus);

/**
 * These send more than their reply. Where the rest comes when another request was sent on the connection already, that one gets it:
 * nothing in HTTP/1.1 tells. They have worlds of their own: nothing is kept, or the next request comes when everything has arrived.
 */
const EXCESSIVE: readonly string[] = ["too-much", "two-replies"];
const ALL_MODES = Object.keys(COMPLETE) as (keyof typeof COMPLETE)[];
const COMPLETE_MODES = ALL_MODES.filter((mode) => !EXCESSIVE.includes(mode));
const CUT_MODES = Object.keys(CUT) as (keyof typeof CUT)[];
const GOOD_MODES = COMPLETE_MODES.filter((mode) => !("status" in COMPLETE[mode]));

function upstreams(world: World): Upstream[] {
  const { kernel, random } = world;
  return ["10.0.0.1", "10.0.0.2"].map((host) => new Upstream(kernel, random.fork(), host, 8080));
}

function anyRequest(random: Random, modes: readonly (keyof typeof COMPLETE)[]): Request {
  if (random.chance(0.2)) return get(random.pick(TARGETS));
  const mode = random.pick(modes);
  const size = random.magnitude(1, 100_000);
  if (random.chance(0.5)) return pass(mode, size, { method: random.chance(0.2) ? "HEAD" : "GET" });
  return pass(mode, size, {
    method: random.pick(["PUT", "DELETE"]),
    body: random.magnitude(1, 60_000),
    chunks: random.chance(0.4) ? random.magnitude(10, 20_000) : 0,
    early: true, // an error may come before the body is sent
  });
}

function client(world: World): Client {
  const { random } = world;
  const one = world.client();
  if (random.chance(0.5)) one.cuts(random.magnitude(100, 20_000), 10);
  return one;
}

simulate(
  "servers that say too much, and whose connections are not kept",
  { seeds: 60, faults: NETWORK, server: server(""), main: MAIN.replace("keepalive 3;", ""), closing: true },
  (world) => {
    upstreams(world);
    world.patient = true; // slow servers
    const modes = ALL_MODES.filter((mode) => EXCESSIVE.includes(mode));
    for (let i = world.random.between(1, 8); i > 0; i--) {
      const one = client(world);
      for (let n = world.random.between(1, 6); n > 0; n--) one.sends(anyRequest(world.random, modes)).awaits();
    }
  },
);

// Such a reply says `Connection: close` long before its last byte. A client that closes its sending side before it has all is given up.
simulate(
  "clients that keep their sending side open until they have the reply that came before their request's end",
  { seeds: 4, server: server("proxy_request_buffering off; proxy_buffering off;"), main: MAIN, closing: true },
  (world) => {
    upstreams(world);
    world.patient = true; // slow servers
    const early = () => pass("early", 99_000, { method: "PUT", body: 60_000 });
    for (let i = 10; i > 0; i--) world.client().cuts(2_000, 10).sends(early()).awaits();
  },
);

/** Longer than a server needs for its pieces, and their way. */
const ALL_ARRIVED = 2000;

simulate(
  "servers that say too much, and whose connections are kept: the next request does not get it",
  { seeds: 60, faults: NETWORK, server: server(""), main: MAIN, closing: true },
  (world) => {
    upstreams(world);
    world.patient = true;
    const one = client(world);
    const modes = [...EXCESSIVE, "length"] as (keyof typeof COMPLETE)[];
    for (let n = world.random.between(2, 6); n > 0; n--)
      one.sends(anyRequest(world.random, modes)).awaits().pauses(ALL_ARRIVED);
  },
);

const NAMED = `set $named 10.0.0.1:8080; ${server("")}`.replace("http://servers", "http://$named");
simulate(
  "servers that a variable names, whose connections could be kept",
  { seeds: 60, faults: NETWORK, server: NAMED, main: MAIN, closing: true },
  (world) => {
    upstreams(world);
    world.patient = true; // slow servers
    const one = client(world);
    for (let n = world.random.between(1, 6); n > 0; n--) one.sends(anyRequest(world.random, GOOD_MODES)).awaits();
  },
);

for (const [name, plus] of [
  ["buffered both ways", ""],
  ["buffered neither way", "proxy_buffering off; proxy_request_buffering off;"],
] as const) {
  // A body that was streamed cannot be sent again when a kept connection has gone.
  const gone = plus === "" ? [] : [502];
  // What a slow client has not read when the server resets is lost.
  const good = GOOD_MODES.filter((mode) => plus === "" || mode !== "resets-while-kept");
  simulate(
    `good servers, ${name}`,
    { seeds: 120, faults: NETWORK, server: server(plus), main: MAIN, closing: true, tolerates: gone },
    (world) => {
      upstreams(world);
      world.patient = true; // slow servers
      for (let i = world.random.between(1, 8); i > 0; i--) {
        const one = client(world);
        for (let n = world.random.between(1, 6); n > 0; n--) one.sends(anyRequest(world.random, good)).awaits();
      }
    },
  );

  simulate(
    `bad servers, ${name}`,
    {
      seeds: 120,
      faults: NETWORK,
      server: server(plus + "proxy_next_upstream off;"),
      main: MAIN,
      closing: true,
      tolerates: gone,
    },
    (world) => {
      upstreams(world);
      world.patient = true;
      for (let i = world.random.between(1, 8); i > 0; i--) {
        const one = client(world);
        for (let n = world.random.between(0, 4); n > 0; n--)
          one.sends(anyRequest(world.random, COMPLETE_MODES)).awaits();
        if (world.random.chance(0.5))
          one.sends(pass(world.random.pick(CUT_MODES), world.random.magnitude(1, 50_000))).impolitely();
      }
    },
  );

  simulate(
    `clients that leave, servers that refuse, ${name}`,
    {
      seeds: 120,
      faults: [...NETWORK, ...LEAVING],
      server: server(plus),
      main: MAIN,
      closing: true,
      tolerates: [400, 408, 502, 504],
    },
    (world) => {
      for (const one of upstreams(world)) {
        one.refusing = world.random.pick([0, 0.5, 1]);
        one.hanging = world.random.pick([0, 0.3]);
      }
      world.patient = true;
      for (let i = world.random.between(1, 8); i > 0; i--) {
        const one = client(world).impolitely();
        for (let n = world.random.between(0, 4); n > 0; n--)
          one.sends(anyRequest(world.random, COMPLETE_MODES)).awaits();
        if (world.random.chance(0.3)) one.reads(world.random.magnitude(1, 5000), 50);
        one.sends(pass(world.random.pick(GOOD_MODES), world.random.magnitude(1, 100_000)));
        one.pauses(world.random.magnitude(1, 3000));
        if (world.random.chance(0.5)) one.resets();
        else one.vanishes();
      }
    },
  );
}
