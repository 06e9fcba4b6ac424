/** Servers with `resolve`: the peers follow the answers, and what is known of those that stay is kept. */
import { expect, test } from "bun:test";
import type { SocketAddress } from "../../../../ffi/inet.ts";
import type { UpstreamConfig } from "../../../../src/config/gateway.ts";
import { TestTransport } from "../../connection/transport.ts";
import { servers, World } from "./world.ts";

type Resolve = World["services"]["resolver"]["resolve"];

/** A world whose resolver is answered by hand. `app` is the server's name. */
function scene(changes: Partial<UpstreamConfig> = {}) {
  const resolver = { servers: [], valid: null, ipv4: true, ipv6: true };
  const named = { ...servers("app")[0]!, addresses: [], resolve: { host: "app", port: 80 } };
  const world = new World("a", { servers: [named], resolver, resolverTimeout: 5000, ...changes });
  const asked: Parameters<Resolve>[4][] = [];
  world.services.resolver.resolve = ((...args: Parameters<Resolve>) => {
    asked.push(args[4]);
    return () => asked.splice(asked.indexOf(args[4]), 1);
  }) as Resolve;
  const answer = (...hosts: string[]): void =>
    asked.pop()!(hosts.map((host): SocketAddress => ({ family: "ipv4", host, port: 80 })));
  const fail = (code: number): void => asked.pop()!({ code, text: "no such thing" });
  world.group.start();
  return { world, asked, answer, fail };
}

test("every address of a name is a peer", () => {
  const { world, answer } = scene();
  answer("b", "a", "c");
  expect(world.sequence(6)).toBe("abcabc"); // in an order that does not change with the answers'
});

test("peers follow the answers; those that stay keep their failures and connections", () => {
  const { world, answer } = scene({ keepalive: 8 });
  answer("a", "b", "c");
  const transports = ["a", "b", "c"].map(() => {
    const transport = new TestTransport();
    world.request().one(true, transport);
    return transport;
  });
  world.request().one(false); // a fails
  world.pass(1000);
  answer("a", "c", "d");
  expect(transports.map(({ closes }) => closes)).toEqual([0, 1, 0]);
  expect([...new Set(world.sequence(6))].toSorted()).toEqual(["c", "d"]);
});

test("an attempt at a peer that has gone ends in peace, and its connection is not kept", () => {
  const { world, answer } = scene({ keepalive: 8 });
  answer("a");
  const request = world.request();
  const attempt = request.next();
  world.pass(1000);
  answer("b");
  const transport = new TestTransport();
  request.choice.done(attempt, true, transport);
  expect([transport.closes, world.sequence(2)]).toEqual([1, "bb"]);
});

test("requests wait for the first answer, not for later ones", () => {
  const { world, answer, fail } = scene();
  const request = world.request();
  expect(request.state()).toBe("queued");
  answer("a");
  world.pass(0);
  expect([request.ready, request.one()]).toEqual([1, "a"]);
  world.pass(1000);
  fail(3);
  expect(world.request().state()).toBe("none");
});

test("there is no such name: no peers; other errors leave them, and are asked about again after resolver_timeout", () => {
  const { world, answer, fail, asked } = scene();
  answer("a");
  world.pass(1000);
  fail(2);
  expect(world.sequence(1)).toBe("a");
  world.pass(1000);
  expect(asked).toHaveLength(0);
  world.pass(4000);
  fail(3);
  expect(world.sequence(1)).toBe("-");
  expect(world.services.logged).toEqual([
    "error: app could not be resolved (2: no such thing)",
    "error: app could not be resolved (3: no such thing)",
  ]);
});

test("a group that is no longer in use asks no more", () => {
  const { world, answer, asked } = scene();
  world.group.stop();
  expect(asked).toHaveLength(0);
  world.pass(5000);
  expect(asked).toHaveLength(0);
  world.group.start();
  answer("a");
  expect(world.sequence(1)).toBe("a");
});
