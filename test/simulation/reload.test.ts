/** Reloads at random times: every descriptor has an owner, and clients get the same replies as without reloads. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { loadConfig } from "../../src/config/load.ts";
import { VARIABLES } from "../../src/exchange/variables/variables.ts";
import type { Fault } from "./faults.ts";
import { CONFIG_FILE, get, pattern, post, postChunked, TARGETS } from "./site.ts";
import { simulate, startWebserv, type Webserv } from "./webserv.ts";
import { runSeed, type World } from "./world.ts";

setDefaultTimeout(60_000);

const FAULTS: readonly Fault[] = [
  "EAGAIN",
  "EINTR",
  "short recv",
  "short send",
  "short sendfile",
  "EMFILE",
  "ENFILE",
  "EIO",
];

/** Reads the configuration from the disk again; gives whether it is used now. */
function reload({ kernel, subject }: World): boolean {
  const { config } = loadConfig({ kernel, variables: VARIABLES, file: CONFIG_FILE, prefix: "/" });
  return config !== null && (subject as Webserv).server.reload(config).adopted;
}

/** Clients, and a reload in about every tenth turn. `done` counts the reloads. */
function crowd(world: World, polite: boolean, done = { adopted: 0, refused: 0 }): void {
  const { random } = world;
  for (let clients = random.between(1, 5); clients > 0; clients--) {
    const client = polite ? world.client() : world.client().impolitely();
    if (random.chance(0.5)) client.reads(random.magnitude(2_000, 50_000), random.magnitude(1, 20));
    for (let requests = random.between(1, 6); requests > 0; requests--) {
      const body = pattern(random.magnitude(1, 60_000));
      const target = random.pick(TARGETS);
      client.sends(random.chance(0.7) ? get(target) : random.chance(0.5) ? post(body) : postChunked(body, 5_000));
      if (random.chance(0.5)) client.awaits();
      if (random.chance(0.3)) client.pauses(random.magnitude(1, 1_000));
    }
  }
  world.afterEachTurn(() => {
    if (random.chance(0.1)) done[reload(world) ? "adopted" : "refused"]++;
  });
}

simulate("reloads between requests and within them", { seeds: 300 }, (world) => crowd(world, true));

simulate("reloads on a bad machine", { seeds: 300, faults: FAULTS }, (world) => crowd(world, true));

/** Reloads that add or remove a second address. */
function comesAndGoes(world: World): void {
  const { tree } = world.kernel.files;
  const text = tree.at(CONFIG_FILE)!.content.latin1Slice();
  crowd(world, false);
  world.afterEachTurn(() => {
    const more = world.random.chance(0.5) ? "server { listen 81; root /site; }\n" : "";
    tree.remove(CONFIG_FILE);
    tree.file(CONFIG_FILE, text + more);
  });
}

simulate("an address comes and goes", { seeds: 300 }, comesAndGoes);

simulate("an address comes and goes on a bad machine", { seeds: 300, faults: FAULTS }, comesAndGoes);

test("reloads are done, and some are refused on a bad machine", () => {
  const done = { adopted: 0, refused: 0 };
  for (let seed = 0; seed < 30; seed++) {
    runSeed("counts", seed, { seeds: 1, faults: FAULTS }, (world) => crowd(world, true, done), startWebserv);
  }
  expect(done.adopted).toBeGreaterThan(30);
  expect(done.refused).toBeGreaterThan(0);
});
