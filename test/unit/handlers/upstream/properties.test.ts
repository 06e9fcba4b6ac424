/** What holds for every method of balancing, whatever requests come, fail and end. */
import { expect, test } from "bun:test";
import fc from "fast-check";
import type { UpstreamConfig } from "../../../../src/config/gateway.ts";
import { chanceFrom } from "../../../../src/handlers/upstream/balancing/random.ts";
import type { Attempt } from "../../../../src/handlers/upstream/upstream.ts";
import { TestTransport } from "../../connection/transport.ts";
import { template } from "../world.ts";
import { hostOf, type Request, World } from "./world.ts";

const METHODS: readonly UpstreamConfig["balancing"][] = [
  { kind: "round_robin" },
  { kind: "least_conn" },
  { kind: "ip_hash" },
  { kind: "hash", key: template("$arg_k"), consistent: false },
  { kind: "hash", key: template("$arg_k"), consistent: true },
  { kind: "random", two: false },
  { kind: "random", two: true },
];

const server = fc.record({
  weight: fc.integer({ min: 1, max: 9 }),
  max_conns: fc.integer({ min: 0, max: 3 }),
  max_fails: fc.integer({ min: 0, max: 2 }),
  word: fc.constantFrom("", "", "", "down", "backup"),
});

/** Begin a request, end the oldest well or badly, try again with the oldest, or let time pass. */
const step = fc.constantFrom("begin", "begin", "succeed", "fail", "retry", "pass");

interface Running {
  readonly request: Request;
  readonly attempt: Attempt;
  readonly tried: readonly string[];
}

/** Takes the steps; gives the first promise that was broken, or "". */
function run(world: World, maxConns: ReadonlyMap<string, number>, steps: readonly string[]): string {
  const running: Running[] = [];
  const transports: TestTransport[] = [];
  const begin = (request: Request, tried: readonly string[]): string => {
    const attempt = request.state();
    if (typeof attempt === "string") return "";
    const host = hostOf(attempt);
    if (tried.includes(host)) return `${host} was tried twice`;
    running.push({ request, attempt, tried: [...tried, host] });
    const limit = maxConns.get(host)!;
    const used = running.filter((one) => hostOf(one.attempt) === host).length;
    return limit > 0 && used > limit ? `${host} has ${used} of ${limit}` : "";
  };
  const end = (ok: boolean): Running | undefined => {
    const first = running.shift();
    const kept = first?.attempt.kept as TestTransport | null;
    const transport = ok ? (kept ?? new TestTransport()) : null;
    if (transport !== null && kept === null) transports.push(transport);
    if (!ok && kept) kept.close();
    first?.request.choice.done(first.attempt, ok, transport);
    return first;
  };
  for (const [i, what] of steps.entries()) {
    let broken = "";
    if (what === "begin") broken = begin(world.request({ target: `/?k=${i}` }), []);
    else if (what === "pass") world.pass(3000);
    else if (what === "retry") {
      const first = end(false);
      if (first !== undefined) broken = begin(first.request, first.tried);
    } else end(what === "succeed");
    if (broken !== "") return broken;
  }
  while (running.length > 0) end(true);
  world.group.close();
  if (world.group.peers.some(({ conns }) => conns !== 0)) return "an attempt is still counted";
  return transports.every(({ closes }) => closes === 1) ? "" : "a connection was lost, or closed twice";
}

test.each(METHODS.map((method) => [JSON.stringify(method), method] as const))(
  "%s: max_conns holds, no peer is tried twice, every connection is closed once",
  (_name, balancing) => {
    fc.assert(
      fc.property(
        fc.array(server, { minLength: 1, maxLength: 6 }),
        fc.array(step, { maxLength: 200 }),
        fc.integer({ min: 0, max: 4 }),
        (servers, steps, keepalive) => {
          const isHash = balancing.kind !== "round_robin" && balancing.kind !== "least_conn"; // these take no backup
          const lines = servers.map(({ word, ...values }, i) => {
            const parameters = Object.entries(values).map(([name, value]) => `${name}=${value}`);
            return [`h${i}`, ...parameters, isHash && word === "backup" ? "" : word].join(" ");
          });
          const world = new World(lines.join(", "), { balancing, keepalive }, chanceFrom(1));
          const limits = new Map(servers.map(({ max_conns }, i) => [`h${i}`, max_conns]));
          expect(run(world, limits, steps)).toBe("");
        },
      ),
      { numRuns: 60 },
    );
  },
);

test("a request that gives up has tried every peer that could be used", () => {
  fc.assert(
    fc.property(fc.constantFrom(...METHODS), fc.integer({ min: 1, max: 8 }), (balancing, count) => {
      const names = Array.from({ length: count }, (_, i) => `h${i}`);
      const world = new World(names.map((name) => `${name} max_fails=0`).join(", "), { balancing }, chanceFrom(3));
      const request = world.request({ target: "/?k=1" });
      const tried = names.map(() => request.one(false));
      expect(tried.toSorted()).toEqual(names);
      expect(request.one()).toBe("-");
    }),
  );
});

test("round robin is fair: after each whole round everyone has had its weight", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 8 }), (weights) => {
      const letters = "abcdefgh";
      const world = new World(weights.map((weight, i) => `${letters[i]} weight=${weight}`).join(", "));
      const round = weights.reduce((sum, weight) => sum + weight, 0);
      for (let i = 0; i < 2; i++) {
        const hosts = world.sequence(round);
        expect(weights.map((_, at) => hosts.split(letters[at]!).length - 1)).toEqual(weights);
      }
    }),
  );
});
