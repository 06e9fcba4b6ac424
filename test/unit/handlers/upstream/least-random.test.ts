/** least_conn and random: the fewest connections for the weight, and chance by weight. */
import { describe, expect, test } from "bun:test";
import { chanceFrom } from "../../../../src/handlers/upstream/balancing/random.ts";
import { hostOf, World } from "./world.ts";

/** Begins so many requests that do not end. The hosts they go to. */
const pending = (world: World, count: number): string =>
  Array.from({ length: count }, () => hostOf(world.request().next())).join("");

describe("least_conn", () => {
  const balancing = { kind: "least_conn" } as const;

  test("without connections it is round robin", () => {
    expect(new World("a weight=5, b, c", { balancing }).sequence(7)).toBe("aabacaa");
  });

  test("takes who has the fewest for its weight", () => {
    const counts = [...pending(new World("a weight=3, b", { balancing }), 40)];
    expect(counts.filter((host) => host === "a")).toHaveLength(30);
  });

  test("a request that ends makes its peer the next", () => {
    const world = new World("a, b, c", { balancing });
    const requests = Array.from({ length: 6 }, () => world.request());
    const attempts = requests.map((request) => request.next());
    const ofB = attempts.findIndex((attempt) => hostOf(attempt) === "b");
    requests[ofB]!.choice.done(attempts[ofB]!, true, null);
    expect(world.sequence(3)).toBe("bbb");
  });

  test("among the servers of backup too", () => {
    expect([...pending(new World("a down, b backup, c backup", { balancing }), 4)].sort().join("")).toBe("bbcc");
  });
});

describe("random", () => {
  const chance = chanceFrom(7);
  const share = (text: string): number => text.replaceAll("b", "").length / text.length;

  test("follows the weights", () => {
    const world = new World("a weight=3, b", { balancing: { kind: "random", two: false } }, chance);
    expect(share(world.sequence(4000))).toBeWithin(0.72, 0.78);
  });

  test("two: the one of two with fewer connections", () => {
    const world = new World("a, b", { balancing: { kind: "random", two: true } }, chance);
    const hosts = pending(world, 100);
    expect(share(hosts)).toBe(0.5);
  });

  test("comes by a peer that can be used, whatever chance says", () => {
    const world = new World("a down, b down, c", { balancing: { kind: "random", two: true } }, () => 0);
    expect(world.sequence(3)).toBe("ccc");
  });

  test("a request does not try a peer twice", () => {
    const world = new World("a, b, c, d", { balancing: { kind: "random", two: false } }, chance);
    const request = world.request();
    const hosts = [0, 1, 2, 3, 4].map(() => request.one(false));
    expect(hosts.toSorted()).toEqual(["-", "a", "b", "c", "d"]);
  });
});
