/** Smooth weighted round robin and passive health, compared with what nginx does (its comments, its documentation, and nginx 1.22 asked). */
import { describe, expect, test } from "bun:test";
import { hostOf, World } from "./world.ts";

describe("smooth weighted round robin", () => {
  test.each([
    ["a weight=5, b, c", "aabacaaaabacaa"],
    ["a, b, c", "abcabc"],
    ["a weight=3, b weight=2", "abaabaabaa".replace(/(.{5}).*/, "ababaababa")],
    ["a weight=2, b", "abaaba"],
    ["a", "aaa"],
    ["a down, b, c", "bcbc"],
    ["a, b backup", "aaa"],
    ["a down, b backup, c backup", "bcbc"],
  ])("%s: %s", (servers, expected) => {
    expect(new World(servers).sequence(expected.length)).toBe(expected);
  });

  test("several addresses of a name are several peers with the same weight", () => {
    expect(new World("a+b weight=2, c").sequence(5)).toBe("abcab");
  });
});

describe("a request", () => {
  test("tries each peer once, those of backup last", () => {
    const request = new World("a, b, c backup").request();
    expect(request.choice.tries).toBe(3);
    expect([request.one(false), request.one(false), request.choice.tries, request.one(false)]).toEqual([
      "a",
      "b",
      1,
      "c",
    ]);
    expect(request.choice.tries).toBe(0);
    expect(request.one()).toBe("-");
  });

  test("names the group when nobody is left", () => {
    const request = new World("a down, b down").request();
    expect(request.one()).toBe("-");
    expect(request.exchange.upstream!.attempts.map((record) => record?.name)).toEqual(["backend"]);
  });

  test("does not try servers that are down", () => {
    expect(new World("a, b down, c down").request().choice.tries).toBe(1);
  });

  test("to a single server is tried once, and its failures do not count", () => {
    const world = new World("a");
    for (let i = 0; i < 3; i++) {
      const request = world.request();
      expect([request.one(false), request.choice.tries]).toEqual(["a", 0]);
    }
  });
});

describe("passive health", () => {
  test("leaves a peer out for fail_timeout, then one request tests it", () => {
    const world = new World("a, b");
    expect(world.request().one(false)).toBe("a");
    expect(world.sequence(3)).toBe("bbb");
    world.pass(10_000);
    expect(world.sequence(2)).toBe("bb");
    world.pass(1);
    expect(world.sequence(2)).toBe("bb"); // its weight begins at 0 again
    const test = world.request();
    const attempt = test.next();
    expect(hostOf(attempt)).toBe("a");
    expect(world.sequence(3)).toBe("bbb"); // the others wait for the result
    test.choice.done(attempt, true, null);
    expect([...world.sequence(4)].sort().join("")).toBe("aabb");
  });

  test("a failed test means another fail_timeout", () => {
    const world = new World("a, b");
    world.request().one(false);
    world.pass(10_001);
    expect(world.sequence(2)).toBe("bb");
    expect(world.request().one(false)).toBe("a");
    world.pass(9_000);
    expect(world.sequence(3)).toBe("bbb");
  });

  test("tells the caller when a peer goes out of use", () => {
    const world = new World("a max_fails=2, b");
    const results = [0, 1].map(() => {
      const request = world.request();
      let attempt = request.next();
      if (hostOf(attempt) === "b") {
        request.choice.done(attempt, true, null);
        attempt = world.request().next();
      }
      return request.choice.done(attempt, false, null);
    });
    expect(results).toEqual([false, true]);
  });

  test("max_fails=0: failures do not count", () => {
    const world = new World("a max_fails=0, b max_fails=0");
    for (const host of ["a", "b", "a", "b"]) expect(world.request().one(false)).toBe(host);
  });

  test("a failed peer's weight comes back step by step", () => {
    const world = new World("a weight=4 max_fails=2, b weight=4 max_fails=2");
    expect(world.request().one(false)).toBe("a"); // its effective weight is 2 now, then 3, then 4
    expect(world.sequence(8)).toBe("bbababab");
  });

  test("when all have failed nobody is tried before fail_timeout (nginx 1.22: no quick recovery)", () => {
    const world = new World("a, b");
    const request = world.request();
    expect([request.one(false), request.one(false)]).toEqual(["a", "b"]);
    expect(world.sequence(2)).toBe("--");
    world.pass(10_001);
    expect(world.sequence(4)).toBe("bbab");
  });
});

describe("max_conns", () => {
  test("no peer has more attempts than allowed", () => {
    const world = new World("a max_conns=1, b max_conns=2");
    const requests = [0, 1, 2].map(() => world.request());
    const attempts = requests.map((request) => request.next());
    expect(attempts.map(hostOf).sort()).toEqual(["a", "b", "b"]);
    expect(world.sequence(1)).toBe("-");
    requests[0]!.choice.done(attempts[0]!, true, null);
    expect(world.sequence(1)).toBe(hostOf(attempts[0]!));
  });

  test("holds for a single server too", () => {
    const world = new World("a max_conns=1");
    world.request().next();
    expect(world.sequence(1)).toBe("-");
  });
});

test("slow_start: a peer that is live again gets its share bit by bit", () => {
  const world = new World("a slow_start=10000, b");
  world.request().one(false);
  world.pass(10_001);
  expect(world.sequence(3)).toBe("bba"); // the last tests it
  const share = (): number => world.sequence(100).replaceAll("b", "").length;
  expect(share()).toBe(0);
  world.pass(2_500);
  expect(share()).toBeWithin(15, 26); // a quarter of the weight: 20 of 100
  world.pass(7_500);
  expect(share()).toBe(50);
});
