/** All kinds of scripts and clients, with faults in every call: a run leaves nothing behind, and no client waits for ever. */
import { expect, test } from "bun:test";
import { BAD, CUT } from "./bad-programs.ts";
import type { Client } from "./client.ts";
import type { Fault } from "./faults.ts";
import { cgi, machine } from "./machine.ts";
import { type Asking, ask, GOOD, type ProgramName } from "./programs.ts";
import type { Random } from "./random.ts";
import { get, pattern, type Request, TARGETS } from "./site.ts";
import { simulate, startWebserv, type Webserv } from "./webserv.ts";
import { runSeed, type World } from "./world.ts";

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
const MACHINE: readonly Fault[] = ["EMFILE", "ENFILE", "ENOMEM", "EAGAIN of spawn", "ENOSPC", "EIO in writing"];
/** Statuses that clients may get if system calls fail; 400 is for clients that send FIN within a body. */
const MACHINE_STATUSES = [400, 500, 502, 503, 507];

const names = <T extends object>(rows: T) => Object.keys(rows) as (keyof T & ProgramName)[];
const FINITE = [...names(GOOD), ...names(BAD)];
const ALL = [...FINITE, ...names(CUT)];

function anyAsking(random: Random): Asking {
  const body = random.chance(0.6) ? pattern(random.magnitude(1, 60_000), 9) : Buffer.alloc(0);
  return {
    size: random.magnitude(1, 60_000),
    body,
    chunks: body.length > 0 && random.chance(0.4) ? random.magnitude(10, 20_000) : 0,
    by: random.pick(["cgi", "sh"] as const),
  };
}

/** A request for which a polite client gets a complete reply. */
function anyRequest(random: Random): Request {
  if (random.chance(0.3)) return get(random.pick(TARGETS));
  const how = anyAsking(random);
  const name = random.pick(FINITE);
  if (how.body!.length === 0 && random.chance(0.2) && name !== "nph-speaks-http")
    return ask(name, { ...how, method: "HEAD" });
  return ask(name, how);
}

/** The last request of a connection: HTTP/1.0 has no chunks. */
function lastRequest(random: Random): Request {
  if (random.chance(0.5)) return anyRequest(random);
  return ask(random.pick(FINITE), { ...anyAsking(random), chunks: 0, version: "1.0" });
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
  const request = ask(random.pick(ALL), anyAsking(random));
  const part = random.between(1, request.bytes.length - 1);
  switch (random.between(0, 8)) {
    case 0:
      return void client.impolitely().begins(request, part).vanishes();
    case 1:
      return void client.impolitely().begins(request, part).pauses(random.magnitude(1, 300)).resets();
    case 2:
      return void client.impolitely().begins(request, part).halfCloses().awaitsTheEnd();
    case 3:
      return void client.impolitely().sends(request).pauses(random.magnitude(1, 300)).resets();
    case 4:
      return void client.impolitely().reads(0, 0).sends(request).vanishes();
    case 5:
      return void client.impolitely().sends(request).awaitsTheEnd();
    case 6:
      return void client.sends(lastRequest(random)).halfCloses();
    default:
      return void client.sends(lastRequest(random));
  }
}

function clients(world: World): void {
  for (let count = world.random.between(1, 4); count > 0; count--) ends(anyClient(world), world.random);
  // A megabyte in small pieces needs time.
  const asksMuch = ({ requests }: Client) => requests.some(({ expected }) => (expected.body?.length ?? 0) > 500_000);
  world.patient = world.kernel.faults.includes("short send") || world.clients.some(asksMuch);
}

function crowd(world: World): void {
  machine(world);
  clients(world);
}

const GOOD_DAY = { server: cgi(), tolerates: [400] };
const BAD_DAY = { server: cgi(), faults: [...NETWORK, ...MACHINE], tolerates: MACHINE_STATUSES, closing: true };

simulate("scripts on a good day", { ...GOOD_DAY, seeds: 200 }, crowd);

simulate("scripts on a bad network", { ...GOOD_DAY, seeds: 300, faults: [...NETWORK, ...LEAVING] }, crowd);

simulate("scripts on a bad machine", { ...BAD_DAY, seeds: 300 }, crowd);

const FEW = "cgi_max_processes 2; cgi_queue 3 2s;";

simulate(
  "scripts that wait for each other on a bad machine",
  { ...BAD_DAY, server: `${cgi()} ${FEW}`, seeds: 300 },
  (world) => {
    machine(world, 2);
    world.patient = true;
    for (let count = world.random.between(4, 10); count > 0; count--) ends(anyClient(world), world.random);
  },
);

/** `action` happens between two turns, once, between 1.0 and 3.0 s of virtual time. */
function sometime(world: World, action: () => void): void {
  const moment = world.random.between(1_000, 3_000);
  let done = false;
  world.afterEachTurn(() => {
    if (done || world.kernel.clock.now < moment) return;
    done = true;
    action();
  });
}

simulate(
  "stop at any moment leaves no child and no zombie",
  { ...BAD_DAY, server: `${cgi()} ${FEW}`, seeds: 300 },
  (world) => {
    machine(world, 2);
    clients(world);
    for (const client of world.clients) client.impolitely();
    sometime(world, () => {
      const { kernel, subject } = world;
      subject.stop();
      const left = kernel.processes.left();
      if (left.length > 0) throw new Error(`after the stop: ${left.join(", ")}`);
      subject.turn = (timeout) => kernel.clock.advanceTo(kernel.clock.now + timeout);
      subject.descriptors = () => [];
      subject.stop = () => {};
    });
  },
);

simulate(
  "quit at any moment cuts no reply of a script",
  { ...GOOD_DAY, closing: true, seeds: 200, faults: NETWORK },
  (world) => {
    crowd(world);
    const polite = world.clients.filter((client) => client.polite);
    for (const client of polite) client.impolitely(); // a client that connects too late gets no reply
    sometime(world, () => (world.subject as Webserv).server.quit());
    world.promises("no reply was cut", () => polite.filter(({ replies }) => replies.inside).join("; ") || true);
  },
);

simulate("kill -9 at any moment: the next start serves", { ...BAD_DAY, seeds: 100 }, (world) => {
  crowd(world);
  for (const client of world.clients) client.impolitely();
  sometime(world, () => world.crash());
});

test("every fault strikes, and every kind of reply is seen", () => {
  const struck = new Set<Fault>();
  const statuses = new Set<number>();
  const look = (world: World) => {
    crowd(world);
    world.atEnd("is counted", () => {
      for (const fault of world.kernel.faults.counts.keys()) struck.add(fault);
      for (const { replies } of world.clients) for (const status of replies.statuses) statuses.add(status);
      return true;
    });
  };
  for (let seed = 0; seed < 150; seed++) runSeed("counts", seed, { ...BAD_DAY, seeds: 1 }, look, startWebserv);
  expect([...struck].sort()).toEqual([...NETWORK, ...MACHINE].sort());
  for (const status of [200, 204, 302, 404, 500, 502, 503]) expect([...statuses]).toContain(status);
});

test("a run is a function of its seed", () => {
  const hash = (seed: number) => runSeed("repeats", seed, { ...BAD_DAY, seeds: 1 }, crowd, startWebserv);
  for (let seed = 0; seed < 20; seed++) expect(hash(seed)).toBe(hash(seed));
});
