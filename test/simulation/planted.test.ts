/** Tests of the simulation: it accepts a correct server, finds each planted mistake, and gives the same run for the same seed. */
import { describe, expect, test } from "bun:test";
import type { Fault } from "./faults.ts";
import { MISTAKES, type Mistake, startPlanted } from "./planted.ts";
import { pattern, request } from "./site.ts";
import { runSeed, seedsOf, type World } from "./world.ts";

const FAULTS: readonly Fault[] = [
  "EAGAIN",
  "EINTR",
  "short recv",
  "short send",
  "ECONNRESET",
  "ECONNABORTED",
  "EMFILE",
];
const SEEDS = 160;
const page = pattern(5_000);

/** Clients of all kinds request the page. */
function crowd(world: World): void {
  const { random } = world;
  const ask = request("/", { status: 200, body: page, closes: false });
  if (random.chance(0.2)) {
    world.kernel.descriptors.limit = 6;
    world.patient = true;
  }
  for (let clients = random.between(1, 4); clients > 0; clients--) {
    const client = world.client();
    if (random.chance(0.5)) client.cuts(random.magnitude(1, 100), random.magnitude(1, 50));
    if (random.chance(0.3)) client.reads(random.magnitude(100, 10_000), random.magnitude(1, 50));
    for (let requests = random.between(1, 3); requests > 0; requests--) client.sends(ask);
    if (random.chance(0.2))
      client
        .impolitely()
        .begins(ask, random.between(1, ask.bytes.length - 1))
        .vanishes();
    else if (random.chance(0.25)) client.resets();
  }
}

/** The first line of the first failure, if any of the seeds fails. */
function finding(mistake: Mistake): string | undefined {
  for (const seed of seedsOf(mistake, SEEDS)) {
    try {
      runSeed(mistake, seed, { seeds: SEEDS, faults: FAULTS }, crowd, startPlanted(page, mistake));
    } catch (error) {
      return (error as Error).message.split("\n")[0];
    }
  }
}

const FINDINGS: Readonly<Record<Mistake, RegExp | undefined>> = {
  none: undefined,
  "ignores short sends": /polite client|not a reply|wrong bytes/,
  "reads once per edge and asks for no more": /polite client/,
  "forgets the descriptor of a broken connection": /open without owner|owned but|still open/,
  "closes twice": /owned twice|not open/,
  "reads without asking epoll": /epoll has not reported/,
  "spins when descriptors run out": /spins/,
  "sends the body's first byte twice": /wrong bytes/,
  "closes with unread data": /missed replies/,
  "waits for ever for the rest of a request": /for ever/,
};

describe("a server that", () => {
  test.each(MISTAKES)("%s", (mistake) => {
    const found = finding(mistake);
    if (FINDINGS[mistake] === undefined) expect(found).toBeUndefined();
    else expect(found).toMatch(FINDINGS[mistake]);
  });
});

describe("a run is a function of its seed", () => {
  const hash = (seed: number) =>
    runSeed("repeats", seed, { seeds: 1, faults: FAULTS }, crowd, startPlanted(page, "none"));

  test("the same seed gives the same trace", () => {
    for (const seed of seedsOf("repeats", 10)) expect(hash(seed)).toBe(hash(seed));
  });

  test("another seed gives another", () => {
    expect(new Set([1, 2, 3, 4, 5].map(hash)).size).toBe(5);
  });
});

test("a failure says how to repeat it", () => {
  const run = () => runSeed("a name", 7, { seeds: 1 }, crowd, startPlanted(page, "sends the body's first byte twice"));
  expect(run).toThrow('SEED=7 bun test test/simulation -t "a name"');
});
