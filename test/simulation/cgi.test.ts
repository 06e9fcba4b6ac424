/** Scripts of every temper under clients of every temper, with faults in every call: a run leaves nothing, and nobody waits for ever. */
import type { Client } from "./client.ts";
import type { Fault } from "./faults.ts";
import { cgi, machine } from "./machine.ts";
import { type Asking, ask, BAD, CUT, GOOD, type ProgramName } from "./programs.ts";
import type { Random } from "./random.ts";
import { get, pattern, type Request, TARGETS } from "./site.ts";
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
const MACHINE: readonly Fault[] = [
  ...NETWORK,
  "EMFILE",
  "ENFILE",
  "ENOMEM",
  "EAGAIN of spawn",
  "ENOSPC",
  "EIO in writing",
];
/** What scripts' clients get when the machine fails. */
const MACHINE_STATUSES = [500, 502, 503, 507];

const names = <T extends object>(rows: T) => Object.keys(rows) as (keyof T & ProgramName)[];
const GOOD_NAMES = names(GOOD);
const FINITE_NAMES = [...GOOD_NAMES, ...names(BAD)];
const ALL_NAMES = [...FINITE_NAMES, ...names(CUT)];

function anyAsking(random: Random): Asking {
  const body = random.chance(0.6) ? pattern(random.magnitude(1, 60_000), 9) : Buffer.alloc(0);
  return {
    size: random.magnitude(1, 60_000),
    body,
    chunks: body.length > 0 && random.chance(0.4) ? random.magnitude(10, 20_000) : 0,
    by: random.pick(["cgi", "sh"] as const),
  };
}

/** Something that a polite client gets a whole reply to. */
function anyRequest(random: Random): Request {
  if (random.chance(0.3)) return get(random.pick(TARGETS));
  const how = anyAsking(random);
  const name = random.pick(FINITE_NAMES);
  if (how.body!.length === 0 && random.chance(0.2)) return ask(name, { ...how, method: "HEAD" });
  return ask(name, how);
}

function anyClient(world: World): Client {
  const { random } = world;
  const client = world.client();
  const cut = random.magnitude(100, 20_000);
  if (random.chance(0.5)) client.cuts(cut, random.chance(0.5) ? 0 : cut / 100);
  if (random.chance(0.3)) client.reads(random.magnitude(10_000, 100_000), random.magnitude(1, 10));
  for (let requests = random.between(0, 3); requests > 0; requests--) {
    client.sends(anyRequest(random));
    if (random.chance(0.6)) client.awaits();
  }
  return client;
}

/** How it ends: as it should, or not. */
function ends(client: Client, random: Random): void {
  const request = ask(random.pick(ALL_NAMES), anyAsking(random));
  const part = random.between(1, request.bytes.length - 1);
  switch (random.between(0, 7)) {
    case 0:
      return void client.impolitely().begins(request, part).vanishes();
    case 1:
      return void client.impolitely().begins(request, part).pauses(random.magnitude(1, 300)).resets();
    case 2:
      return void client.impolitely().sends(request).pauses(random.magnitude(1, 300)).resets();
    case 3:
      return void client.impolitely().reads(0, 0).sends(request).vanishes();
    case 4:
      return void client.impolitely().sends(request).awaitsTheEnd();
    case 5:
      return void client.sends(anyRequest(random)).halfCloses();
    default:
      return void client.sends(anyRequest(random));
  }
}

function crowd(world: World): void {
  machine(world);
  world.patient = world.kernel.faults.includes("short send"); // a megabyte in pieces takes its time
  for (let clients = world.random.between(1, 4); clients > 0; clients--) ends(anyClient(world), world.random);
}

simulate("scripts on a good day", { seeds: 200, server: cgi(), tolerates: [400] }, crowd);

simulate(
  "scripts on a bad network",
  { seeds: 300, server: cgi(), faults: [...NETWORK, "ECONNRESET", "EPIPE", "ECONNABORTED"], tolerates: [400] },
  crowd,
);

simulate(
  "scripts on a bad machine",
  { seeds: 300, server: cgi(), faults: MACHINE, tolerates: [400, ...MACHINE_STATUSES], closing: true },
  crowd,
);
