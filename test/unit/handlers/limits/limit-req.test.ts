/** Several limit_req of a location beside a straightforward model of nginx's handler: what is decided, what is counted, how long it waits. */
import { expect, test } from "bun:test";
import fc from "fast-check";
import type { LimitZone } from "../../../../src/config/settings/limits.ts";
import { ANSWERED, GO_ON, LATER } from "../../../../src/exchange/phase.ts";
import { ConnectionZone } from "../../../../src/handlers/limits/connection-zone.ts";
import { limitRequests } from "../../../../src/handlers/limits/limit-req.ts";
import { FakeExchange, FakeServices, location, template } from "../world.ts";

interface Limit {
  readonly rate: number;
  readonly burst: number;
  readonly delay: number;
}

/** ngx_http_limit_req_handler, _lookup and _account with a Map for each zone. */
class Model {
  private readonly states: Map<string, { excess: number; last: number }>[];

  constructor(private readonly limits: readonly Limit[]) {
    this.states = limits.map(() => new Map());
  }

  /** ms to wait; -1: rejected. */
  decide(keys: readonly string[], now: number): number {
    const excess = this.limits.map(({ rate }, n) => {
      const state = this.states[n]!.get(keys[n]!);
      return state === undefined
        ? 0
        : Math.max(0, state.excess - Math.floor((rate * (now - state.last)) / 1000) + 1000);
    });
    const counts = this.limits.map((_, n) => keys[n] !== "");
    if (this.limits.some(({ burst }, n) => counts[n] && excess[n]! > burst)) return -1;
    const waits = this.limits.map(({ rate, delay }, n) => {
      if (!counts[n]) return 0;
      this.states[n]!.set(keys[n]!, { excess: excess[n]!, last: now });
      return excess[n]! <= delay ? 0 : Math.floor(((excess[n]! - delay) * 1000) / rate);
    });
    return Math.max(...waits);
  }
}

const limit = fc.record({
  rate: fc.constantFrom(16, 500, 1000, 7000),
  burst: fc.constantFrom(0, 1000, 3000, 10_000),
  delay: fc.constantFrom(0, 2000, Number.POSITIVE_INFINITY),
});
const step = fc.record({
  keys: fc.array(fc.constantFrom("", "a", "b"), { minLength: 3, maxLength: 3 }),
  pause: fc.nat(3000),
});

test("like the model, with one to three limits", () => {
  fc.assert(
    fc.property(fc.array(limit, { minLength: 1, maxLength: 3 }), fc.array(step, { maxLength: 60 }), (limits, steps) => {
      const services = new FakeServices();
      const position = { file: "", line: 0, column: 0 };
      const zones = limits.map(
        ({ rate }, n): LimitZone => ({
          kind: "limit_req_zone",
          name: `z${n}`,
          key: template(`$arg_k${n}`),
          size: 1 << 20,
          rate,
          position,
        }),
      );
      const limitReq = limits.map(({ burst, delay }, n) => ({ zone: zones[n]!, burst, delay }));
      const settings = { limitReq, limitReqStatus: 503, limitReqLogLevel: "error", limitReqDryRun: false } as const;
      const where = location(settings);
      const phase = limitRequests(where.settings, services.limits);
      const model = new Model(limits);
      let now = 1_000_000;
      for (const { keys, pause } of steps) {
        now += pause;
        services.clock.now = services.reactor.now = now;
        const target = `/?${keys.map((key, n) => `k${n}=${key}`).join("&")}`;
        const exchange = new FakeExchange(services, where, { target });
        const verdict = phase(exchange);
        const wait = model.decide(keys, now);
        expect(verdict).toBe(wait < 0 ? ANSWERED : wait === 0 ? GO_ON : LATER);
        if (wait > 0) {
          expect(services.limits.delays.next).toBe(now + wait);
          exchange.onGone!();
          expect(services.limits.delays.next).toBe(Number.POSITIVE_INFINITY);
        }
      }
    }),
    { numRuns: 200 },
  );
});

test("limit_conn: counts, and a zone that is full", () => {
  const zone = new ConnectionZone(32 * 1024, "0123456789abcdef");
  const entries = [zone.enter("a", 2), zone.enter("a", 2)];
  expect(zone.enter("a", 2)).toBe(-1);
  expect(zone.enter("b", 2)).toBeGreaterThan(0);
  for (const entry of entries) zone.leave(entry);
  expect(zone.enter("a", 1)).toBeGreaterThan(0);
  let count = 0;
  while (zone.enter(`key ${count}`, 1) > 0) count++;
  expect(zone.enter("one more", 1)).toBe(0);
  expect(count).toBe((32 * 1024 - 256 * 4) / 64 - 1 - 2);
});
