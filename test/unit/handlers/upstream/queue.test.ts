/** queue: requests wait for a free server, the first first; too many and too long are refused. */
import { expect, test } from "bun:test";
import type { Attempt } from "../../../../src/handlers/upstream/upstream.ts";
import { hostOf, World } from "./world.ts";

const full = (length = 10): World => new World("a max_conns=1", { queue: { length, timeout: 60_000 } });

test("a request that cannot be taken waits, and goes on when another has ended", () => {
  const world = full();
  const first = world.request();
  const attempt = first.next();
  const second = world.request();
  expect(second.state()).toBe("queued");
  first.choice.done(attempt, true, null);
  expect(second.ready).toBe(0); // not amid the end of the other
  world.pass(0);
  expect(second.ready).toBe(1);
  expect(hostOf(second.next())).toBe("a");
});

test("the first in the queue goes first, and nobody overtakes it", () => {
  const world = full();
  const first = world.request();
  const attempt = first.next();
  const waiting = [world.request(), world.request()];
  for (const request of waiting) expect(request.state()).toBe("queued");
  first.choice.done(attempt, true, null);
  const late = world.request();
  expect(late.state()).toBe("queued");
  const order: Attempt[] = [];
  for (const request of [...waiting, late]) {
    world.pass(0);
    expect(request.ready).toBe(1);
    const own = request.next();
    order.push(own);
    world.pass(0);
    request.choice.done(own, true, null);
  }
  expect(order).toHaveLength(3);
});

test("a full queue refuses", () => {
  const world = full(1);
  world.request().next();
  expect(world.request().state()).toBe("queued");
  expect(world.request().state()).toBe("none");
});

test("a request that waits too long is told, and gets nobody", () => {
  const world = full();
  world.request().next();
  const request = world.request();
  request.state();
  world.pass(60_000);
  expect([request.ready, request.state()]).toEqual([1, "none"]);
  expect(request.exchange.upstream!.queueTime).toBe(60_000);
});

test("who leaves is not called, and makes room", () => {
  const world = full(1);
  const first = world.request();
  const attempt = first.next();
  const second = world.request();
  second.state();
  second.choice.leave();
  const third = world.request();
  expect(third.state()).toBe("queued");
  first.choice.done(attempt, true, null);
  world.pass(0);
  expect([second.ready, third.ready]).toEqual([0, 1]);
});

test("who waits because all have failed goes on when their time has passed", () => {
  const world = new World("a, b", { queue: { length: 5, timeout: 60_000 } });
  const failing = world.request();
  expect([failing.one(false), failing.one(false)]).toEqual(["a", "b"]);
  const request = world.request();
  expect(request.state()).toBe("queued");
  for (let second = 1; second <= 10; second++) world.pass(1000);
  expect(request.ready).toBe(0);
  world.pass(1000);
  expect(request.ready).toBe(1);
  expect(request.one()).not.toBe("-");
});

test("a request that has tried a server does not wait for it", () => {
  const world = full();
  const request = world.request();
  request.one(false);
  expect(request.state()).toBe("none");
});
