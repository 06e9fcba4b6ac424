/** Groups over reloads: those that did not change stay as they are, others end with the last generation that has them. */
import { expect, test } from "bun:test";
import type { UpstreamConfig } from "../../../../src/config/gateway.ts";
import { UpstreamFacts } from "../../../../src/exchange/upstream.ts";
import { type Attempt, type Choice, QUEUED } from "../../../../src/handlers/upstream/upstream.ts";
import type { GenerationGroups } from "../../../../src/handlers/upstream/upstreams.ts";
import { TestTransport } from "../../connection/transport.ts";
import { FakeExchange, FakeServices, location } from "../world.ts";
import { upstream } from "./world.ts";

function scene() {
  const services = new FakeServices();
  const make = (...configs: UpstreamConfig[]): GenerationGroups =>
    services.upstreams.make(new Map(configs.map((config) => [config.name, config])));
  const attempt = (groups: GenerationGroups): [Choice, Attempt] => {
    const exchange = new FakeExchange(services, location({}), {});
    exchange.upstream = new UpstreamFacts();
    const choice = groups.find("backend")!.choose(exchange);
    const next = choice.next(() => {});
    if (next === null || next === QUEUED) throw new Error("no peer");
    return [choice, next];
  };
  const keep = (groups: GenerationGroups): TestTransport => {
    const [choice, next] = attempt(groups);
    const transport = new TestTransport();
    choice.done(next, true, transport);
    return transport;
  };
  return { services, make, attempt, keep };
}

const config = (servers: string, line = 1): UpstreamConfig =>
  upstream(servers, { keepalive: 4, position: { file: "x.conf", line, column: 1 } });

test("a reload that changes at most the position in the file changes nothing", () => {
  const { make, keep, attempt } = scene();
  const before = make(config("a"));
  const transport = keep(before);
  const after = make(config("a", 7));
  before.close();
  expect(after.find("backend")).toBe(before.find("backend")!);
  expect([transport.closes, attempt(after)[1].kept]).toEqual([0, transport]);
});

test("a group that was changed is another; the former ends with its last generation", () => {
  const { make, keep } = scene();
  const before = make(config("a"));
  const transport = keep(before);
  const after = make(config("a weight=2"));
  expect(after.find("backend")).not.toBe(before.find("backend")!);
  expect(transport.closes).toBe(0);
  before.close();
  before.close();
  expect(transport.closes).toBe(1);
});

test("the groups of a configuration that is not adopted end, and not those it shares", () => {
  const { make, keep } = scene();
  const current = make(config("a"));
  const transport = keep(current);
  make(config("a"), upstream("b", { name: "other" })).close();
  expect(transport.closes).toBe(0);
});

test("the groups made last are those of the handlers made next", () => {
  const { services, make } = scene();
  const groups = make(config("a"));
  expect(services.upstreams.latest).toBe(groups);
  expect(groups.find("nobody")).toBeUndefined();
});
