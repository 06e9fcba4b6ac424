/** The resolver on the real kernel, with a DNS server of the test's own: datagrams, a truncated reply, a server that is not there. */
import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { linux } from "../../../ffi/linux.ts";
import { Reactor } from "../../../src/network/reactor.ts";
import { Resolver } from "../../../src/network/resolver/resolver.ts";
import { a, aaaa, cname, type DnsServer, dnsServer } from "../../wire/dns-server.ts";

const reactor = new Reactor(linux);
const before = [...reactor.descriptors()].length;
const resolver = new Resolver(linux, reactor);
let server: DnsServer;

const hosts = Array.from({ length: 200 }, (_, i) => `192.0.2.${i}`);
const many = hosts.map((host) => a("many.test", host));

beforeAll(async () => {
  server = await dnsServer({
    "one.test": { records: [a("one.test", "192.0.2.1"), aaaa("one.test", "2001:db8::1")] },
    "alias.test": { records: [cname("alias.test", "one.test")] },
    "many.test": { records: many, cut: true },
    "empty.test": { records: [] },
  });
});
afterAll(() => {
  server.stop();
  reactor.dispose();
});
afterEach(() => {
  reactor.turn(0);
  expect([...reactor.descriptors()].length).toBe(before);
});

type Result = Parameters<Parameters<Resolver["resolve"]>[4]>[0];

/** Asks, and turns the loop until there is an answer. */
async function resolve(name: string, ports: readonly number[] = [server.port], ipv6 = true): Promise<Result> {
  const servers = ports.map((port) => ({ family: "ipv4", host: "127.0.0.1", port }) as const);
  let result: Result | undefined;
  resolver.resolve(name, 80, { servers, valid: null, ipv4: true, ipv6 }, 60_000, (given) => (result = given));
  while (result === undefined) {
    reactor.turn(1);
    await new Promise(setImmediate);
  }
  return result;
}

const v4 = (host: string) => ({ family: "ipv4", host, port: 80 });

test("A and AAAA of a name, IPv4 first", async () => {
  expect(await resolve("One.Test.")).toEqual([
    v4("192.0.2.1"),
    { family: "ipv6", host: "2001:db8::1", port: 80 },
  ] as Result);
});

test("an alias leads to a name that is asked for too", async () => {
  expect(await resolve("alias.test", undefined, false)).toEqual([v4("192.0.2.1")] as Result);
  expect(server.asked.slice(-2)).toEqual(["alias.test A", "one.test A"]);
});

test("what does not fit a datagram comes by TCP", async () => {
  const found = await resolve("many.test");
  expect(new Set(found as unknown[])).toEqual(new Set<unknown>(hosts.map(v4)));
  expect(server.asked.filter((one) => one.startsWith("many.test")).sort()).toEqual([
    "many.test A",
    "many.test A tcp",
    "many.test AAAA",
    "many.test AAAA tcp",
  ]);
});

test("unknown names, and names without an address", async () => {
  const missing: Result = { code: 3, text: "Host not found" };
  expect(await resolve("no.test")).toEqual(missing);
  expect(await resolve("empty.test")).toEqual(missing);
});

test("a server that is not there: the next one is asked at once", async () => {
  const gone = await dnsServer({});
  gone.stop();
  const started = performance.now();
  expect(await resolve("one.test", [gone.port, server.port], false)).toEqual([v4("192.0.2.1")] as Result);
  expect(performance.now() - started).toBeLessThan(4000); // the next attempt after silence would be after 5 s
  expect(await resolve("one.test", [gone.port], false)).toEqual({ code: 2, text: "Server failure" });
});

test("names of /etc/hosts are not asked for", async () => {
  const asked = server.asked.length;
  expect(await resolve("localhost")).toContainEqual(v4("127.0.0.1") as never);
  expect(server.asked.length).toBe(asked);
});
