/** Idle connections: which one a request gets, when they are closed, and that a noisy or closed one is noticed. */
import { describe, expect, test } from "bun:test";
import type { Attempt } from "../../../../src/handlers/upstream/upstream.ts";
import { TestTransport } from "../../connection/transport.ts";
import { type Request, World } from "./world.ts";

/** Ends an attempt whose connection is kept on, and gives that connection. */
function keep(request: Request, attempt: Attempt = request.next()): TestTransport {
  const transport = (attempt.kept as TestTransport | null) ?? new TestTransport();
  request.choice.done(attempt, true, transport);
  return transport;
}

/** A peer sends something, or closes (""), on an idle connection. */
class IdleTransport extends TestTransport {
  private heard: string[] = [];

  override receive(...args: Parameters<TestTransport["receive"]>): number {
    return new TestTransport(this.heard).receive(...args);
  }

  hears(text: string): void {
    this.heard = [text];
    this.readable = true;
  }

  says(text: string): void {
    this.hears(text);
    this.owner.onReady();
  }
}

test("without keepalive no connection is kept (nginx 1.22)", () => {
  const world = new World("a");
  expect(keep(world.request()).closes).toBe(1);
  expect(world.request().next().kept).toBeNull();
});

test("a request gets the connection to its peer that was used last", () => {
  const world = new World("a, b", { keepalive: 10 });
  const requests = [0, 1, 2, 3].map(() => world.request());
  const attempts = requests.map((request) => request.next());
  const transports = requests.map((request, i) => keep(request, attempts[i]!));
  expect([world.request().next().kept, world.request().next().kept]).toEqual([transports[2]!, transports[3]!]);
  expect(world.group.kept.size).toBe(2);
});

test("beyond the limit the one that was idle longest is closed", () => {
  const world = new World("a, b", { keepalive: 2 });
  const requests = [0, 1, 2].map(() => world.request());
  const attempts = requests.map((request) => request.next());
  const transports = requests.map((request, i) => keep(request, attempts[i]!));
  expect(transports.map(({ closes }) => closes)).toEqual([1, 0, 0]);
});

describe("an idle connection is closed", () => {
  const world = (): World => new World("a", { keepalive: 4, keepaliveTimeout: 60_000 });

  test.each([
    ["the peer closes it", ""],
    ["the peer sends something", "HTTP/1.1 408 Request Timeout\r\n\r\n"],
  ])("when %s", (_when, text) => {
    const { group, request } = one(world());
    const transport = new IdleTransport();
    request.choice.done(request.next(), true, transport);
    expect([transport.closes, group.kept.size]).toEqual([0, 1]);
    transport.says(text);
    expect([transport.closes, group.kept.size]).toEqual([1, 0]);
  });

  test("not when it is told of nothing", () => {
    const { group, request } = one(world());
    const transport = keep(request);
    transport.owner.onReady();
    expect([transport.closes, group.kept.size]).toEqual([0, 1]);
  });

  test("when something had come before it was idle", () => {
    const { request } = one(world());
    const transport = new TestTransport(["x"]);
    request.choice.done(request.next(), true, transport);
    expect(transport.closes).toBe(1);
  });

  test("when something has come that it was not told of yet, and the request gets another", () => {
    const { world: w, request } = one(world());
    const other = w.request();
    const attempts = [request.next(), other.next()];
    const older = keep(request, attempts[0]!);
    const newer = new IdleTransport();
    other.choice.done(attempts[1]!, true, newer);
    newer.hears("HTTP/1.1 200 OK\r\n\r\n");
    expect(w.request().next().kept).toBe(older);
    expect([newer.closes, older.closes]).toEqual([1, 0]);
  });

  test("after keepalive_timeout", () => {
    const { world: w, group, request } = one(world());
    const transport = keep(request);
    w.pass(59_999);
    expect(transport.closes).toBe(0);
    w.pass(1);
    expect([transport.closes, group.kept.size]).toEqual([1, 0]);
  });

  test("when the group ends, and then no more are kept", () => {
    const { world: w, group, request } = one(world());
    const transport = keep(request);
    group.close();
    expect([transport.closes, keep(w.request()).closes]).toEqual([1, 1]);
  });
});

const one = (world: World) => ({ world, group: world.group, request: world.request() });

test("a connection in use has no timeout of idleness", () => {
  const world = new World("a", { keepalive: 1 });
  const transport = keep(world.request());
  const attempt = world.request().next();
  expect(attempt.kept).toBe(transport);
  world.pass(100_000);
  expect(transport.closes).toBe(0);
});

test("keepalive_requests: the last one closes it", () => {
  const world = new World("a", { keepalive: 1, keepaliveRequests: 3 });
  const transport = keep(world.request());
  for (let requests = 2; requests <= 3; requests++) {
    expect(transport.closes).toBe(0);
    expect(keep(world.request())).toBe(transport);
  }
  expect(transport.closes).toBe(1);
});

test("keepalive_time: an old connection serves the request in progress and is closed", () => {
  const world = new World("a", { keepalive: 1, keepaliveTime: 3_600_000 });
  const transport = keep(world.request());
  for (let i = 0; i < 100; i++) {
    world.pass(36_000);
    keep(world.request());
  }
  expect(transport.closes).toBe(0);
  const attempt = world.request();
  const last = attempt.next();
  world.pass(1);
  keep(attempt, last);
  expect(transport.closes).toBe(1);
});

test("a stale connection: the same peer again, newly connected, and no failure of it", () => {
  const world = new World("a, b", { keepalive: 4 });
  for (let i = 0; i < 2; i++) keep(world.request());
  const request = world.request();
  const stale = request.next();
  expect(stale.kept).not.toBeNull();
  request.choice.done(stale, true, null);
  const again = request.choice.again(stale);
  expect([again.peer.name, again.kept]).toEqual([stale.peer.name, null]);
  request.choice.done(again, true, null);
  expect(world.sequence(4)).toBe("baba");
  expect(request.exchange.upstream!.attempts.map((record) => record?.name)).toEqual(["a:80", "a:80"]);
});
