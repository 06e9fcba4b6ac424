/** Requests that ask another server first (`auth_request`) and go to a second one as a copy (`mirror`), with faults in every call. */
import type { Fault } from "./faults.ts";
import { get, pattern, post, postChunked, TARGETS } from "./site.ts";
import { Upstream } from "./upstream.ts";
import { simulate, type Webserv } from "./webserv.ts";
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

/** A copy has the query of its request, and the server behind takes its own from there. */
const PLAIN = TARGETS.filter((target) => !target.includes("?"));

/** @param mode what the server answers that decides; @param copied the second one */
const server = (mode: string, copied: string): string => `
  client_body_buffer_size 4k;
  allowed_methods GET HEAD POST;
  auth_request /ask?500;
  mirror /copy;
  mirror /again;
  proxy_http_version 1.1;
  proxy_set_header Connection "";
  proxy_connect_timeout 2s;
  proxy_send_timeout 3s;
  proxy_read_timeout 3s;
  location = /ask { proxy_pass http://10.0.0.1:8080/p/${mode}; }
  location = /copy { proxy_pass http://10.0.0.2:8080/p/${copied}?20000; }
  location = /again { return 204; }`;

function upstreams(world: World): Upstream[] {
  const { kernel, random } = world;
  world.awaits(() => (world.subject as Webserv).server.subrequests.count === 0); // copies end too, by themselves
  return ["10.0.0.1", "10.0.0.2"].map((host) => new Upstream(kernel, random.fork(), host, 8080));
}

/** Clients that get files and send bodies. */
function clients(world: World): void {
  const { random } = world;
  world.patient = true; // many small pieces take long
  for (let i = random.between(1, 6); i > 0; i--) {
    const one = world.client();
    if (random.chance(0.5)) one.cuts(random.magnitude(100, 20_000), 10);
    for (let n = random.between(1, 5); n > 0; n--) {
      const body = pattern(random.magnitude(1, 60_000));
      const kind = random.between(0, 2);
      const next = kind === 0 ? post(body) : kind === 1 ? postChunked(body, 999) : get(random.pick(PLAIN));
      if (random.chance(0.5)) one.sends(next).awaits();
      else one.sends(next);
    }
  }
}

for (const mode of ["length", "chunks", "until-the-end", "closes-while-kept", "interim"]) {
  simulate(
    `another server lets requests pass: ${mode}`,
    { seeds: 60, faults: NETWORK, server: server(mode, mode) },
    (world) => {
      upstreams(world);
      clients(world);
    },
  );
}

for (const mode of ["says-nothing", "garbage", "resets-in-head", "ends-in-head"]) {
  const options = { seeds: 40, faults: NETWORK, server: server(mode, mode), tolerates: [500], closing: true };
  simulate(`a server that cannot decide is a 500: ${mode}`, options, (world) => {
    upstreams(world);
    clients(world);
  });
}

simulate(
  "clients that leave, servers that refuse, hang and leave",
  {
    seeds: 120,
    faults: [...NETWORK, ...LEAVING, "EMFILE", "ENFILE"],
    server: server("length", "hangs-in-head"),
    tolerates: [400, 408, 500, 503],
    closing: true,
  },
  (world) => {
    for (const one of upstreams(world)) {
      one.refusing = world.random.pick([0, 0.5, 1]);
      one.hanging = world.random.pick([0, 0.3]);
    }
    clients(world);
  },
);
