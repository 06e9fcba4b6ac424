/** All kinds of clients against the whole server, with all faults: many runs, each determined by its seed. */
import { expect, test } from "bun:test";
import type { Client } from "./client.ts";
import { FAULTS, type Fault } from "./faults.ts";
import type { Random } from "./random.ts";
import { get, pattern, post, postChunked, type Request, request, SITE, TARGETS } from "./site.ts";
import { simulate, startWebserv } from "./webserv.ts";
import { runSeed, type World } from "./world.ts";

/** Faults of uploads and scripts are tested in uploads.test.ts and cgi.test.ts; here no file is created and no program is run. */
const OF_OTHERS: readonly Fault[] = [
  "EACCES",
  "EROFS",
  "EAGAIN of spawn",
  "ENOMEM",
  "lost datagram",
  "doubled datagram",
];
const ALL = (Object.keys(FAULTS) as Fault[]).filter((fault) => !OF_OTHERS.includes(fault));

/** A request with exactly one correct reply. */
function anyRequest(random: Random): Request {
  const target = random.pick(TARGETS);
  const expected = SITE[target]!;
  const body = pattern(random.magnitude(1, 60_000));
  switch (random.between(0, 9)) {
    case 0:
      return request(target, expected, { method: "HEAD" });
    case 1:
      return request(target, expected, { version: "1.0", fields: ["Connection: keep-alive"] });
    case 2:
      return post(body);
    case 3:
      return postChunked(body, random.magnitude(1, 20_000));
    case 4:
      return request("/nowhere", { status: 501, closes: false }, { method: "BREW" });
    case 5:
      return request("/hello.txt", { status: 304, closes: false }, { fields: ["If-None-Match: *"] });
    case 6:
      return request(
        "/big.bin",
        {
          status: 206,
          body: SITE["/big.bin"]!.body!.subarray(1000, 150_000),
          fields: { "content-range": "bytes 1000-149999/200000" },
          closes: false,
        },
        { fields: ["Range: bytes=1000-149999"] },
      );
    default:
      return get(target);
  }
}

/** A request after which the connection ends. */
function lastRequest(random: Random): Request {
  const target = random.pick(TARGETS);
  switch (random.between(0, 3)) {
    case 0:
      return get(target, "Connection: close");
    case 1:
      return request(target, SITE[target]!, { version: "1.0" });
    case 2:
      return request(
        "/post",
        { status: 413, closes: true },
        { method: "POST", fields: ["Content-Length: 200000"], early: true },
      );
    default:
      return request("/", { status: 400, closes: true }, { fields: ["Bad Field: x"], early: true });
  }
}

function anyClient(world: World): Client {
  const { random } = world;
  const client = world.client();
  // Even the smallest pieces are faster than client_min_rate.
  const cut = random.magnitude(20, 3_000);
  if (random.chance(0.6)) client.cuts(cut, random.chance(0.5) ? 0 : cut / 50);
  if (random.chance(0.3)) client.reads(random.magnitude(2_000, 50_000), random.magnitude(1, 20));
  for (let requests = random.between(0, 6); requests > 0; requests--) {
    client.sends(anyRequest(random));
    if (random.chance(0.3)) client.awaits();
    if (random.chance(0.1)) client.pauses(random.magnitude(1, 1_000));
  }
  return client;
}

/** How it ends: as it should, or not. */
function ends(client: Client, random: Random): void {
  const request = anyRequest(random);
  switch (random.between(0, 9)) {
    case 0:
      return void client
        .impolitely()
        .begins(request, random.between(0, request.bytes.length - 1))
        .vanishes();
    case 1:
      return void client.resets();
    case 2:
      return void client.impolitely().reads(0, 0).sends(request).vanishes();
    case 3:
      return void client
        .impolitely()
        .begins(request, random.between(1, request.bytes.length - 1))
        .resets();
    case 4:
    case 5:
      return void client.sends(lastRequest(random)).awaitsTheEnd();
    case 6:
      return void client.sends(request).halfCloses();
    default:
      return;
  }
}

function crowd(world: World): void {
  for (let clients = world.random.between(1, 5); clients > 0; clients--) ends(anyClient(world), world.random);
}

simulate("well-connected clients", { seeds: 500 }, crowd);

simulate(
  "a bad network",
  {
    seeds: 900,
    faults: ["EAGAIN", "EINTR", "short recv", "short send", "short sendfile", "ECONNRESET", "EPIPE", "ECONNABORTED"],
  },
  crowd,
);

simulate("a bad machine", { seeds: 600, faults: ALL }, crowd);

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
  for (let seed = 0; seed < 150; seed++) runSeed("counts", seed, { seeds: 1, faults: ALL }, look, startWebserv);
  expect([...struck].sort()).toEqual([...ALL].sort());
  expect([...statuses].sort()).toEqual([200, 206, 301, 304, 400, 403, 404, 410, 413, 500, 501, 503]);
});

test("a run is a function of its seed", () => {
  const hash = (seed: number) => runSeed("repeats", seed, { seeds: 1, faults: ALL }, crowd, startWebserv);
  for (let seed = 0; seed < 20; seed++) expect(hash(seed)).toBe(hash(seed));
});
