/** The states of limit_req beside a straightforward model: nginx's arithmetic on objects in a Map that keeps the order of use. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { COUNTED, EXCEEDS, NO_ROOM, RequestZone, TO_COUNT } from "../../../../src/handlers/limits/request-zone.ts";
import { Slots } from "../../../../src/handlers/limits/slots.ts";

const SECRET = "0123456789abcdef";
const KB = 1024;

/** As ngx_http_limit_req_module.c, with a Map in place of its tree and queue: the last key was used last. */
class Model {
  private readonly states = new Map<string, { excess: number; last: number }>();

  constructor(private readonly rate: number) {}

  excessOf(key: string, now: number): number {
    const state = this.states.get(key);
    if (state === undefined) return 0;
    let ms = now - state.last;
    if (ms < -60_000) ms = 1;
    else if (ms < 0) ms = 0;
    return Math.max(0, state.excess - Math.floor((this.rate * ms) / 1000) + 1000);
  }

  check(key: string, now: number, burst: number): { outcome: number; excess: number } {
    const excess = this.excessOf(key, now);
    const state = this.states.get(key);
    this.states.delete(key);
    if (state === undefined) this.expire(now);
    if (excess > burst) {
      this.states.set(key, state!);
      return { outcome: EXCEEDS, excess };
    }
    this.states.set(key, { excess, last: state !== undefined && now <= state.last ? state.last : now });
    return { outcome: COUNTED, excess };
  }

  private expire(now: number): void {
    for (let n = 0; n < 2; n++) {
      const [oldest] = this.states;
      if (oldest === undefined) return;
      const [key, { excess, last }] = oldest;
      if (Math.abs(now - last) < 60_000 || excess > Math.floor((this.rate * Math.abs(now - last)) / 1000)) return;
      this.states.delete(key);
    }
  }
}

const key = fc.oneof(
  fc.constantFrom("", "a", "b", "c", "dd", "\x7f\0\0\x01", "\x7f\0\0\x02", "\xff".repeat(24)),
  fc.string({ minLength: 20, maxLength: 300, unit: fc.constantFrom("x", "y", "\xe9") }),
);
const step = fc.record({ key, pause: fc.oneof(fc.nat(3), fc.nat(2_000), fc.constantFrom(60_000, 61_000, 200_000)) });

test("like the model, whatever keys and times", () => {
  const rates = fc.constantFrom(16, 500, 1000, 5000, 1_000_000);
  const bursts = fc.constantFrom(0, 1000, 5000, 20_000);
  fc.assert(
    fc.property(rates, bursts, fc.array(step, { maxLength: 200 }), (rate, burst, steps) => {
      const zone = new RequestZone(1024 * KB, SECRET);
      const model = new Model(rate);
      let now = 0;
      for (const { key, pause } of steps) {
        now += pause;
        const outcome = zone.check(key, now, rate, burst, true);
        expect({ outcome, excess: zone.excess }).toEqual(model.check(key, now, burst));
      }
    }),
    { numRuns: 200 },
  );
});

describe("the clock goes back", () => {
  test.each([
    [1000, 0, "a little: as if no time had passed", 2000],
    [100_000, 0, "more than a minute: as if a millisecond had", 1999],
  ] as const)("from %d to %d, %s", (from, to, _, excess) => {
    const zone = new RequestZone(32 * KB, SECRET);
    for (let i = 0; i < 2; i++) zone.check("a", from, 1000, 10_000, true);
    zone.check("a", to, 1000, 10_000, true);
    expect(zone.excess).toBe(excess);
  });
});

test("a request that another limit rejects is not counted", () => {
  const zone = new RequestZone(32 * KB, SECRET);
  expect(zone.check("a", 5, 1000, 0, false)).toBe(TO_COUNT);
  expect(zone.check("a", 5, 1000, 0, false)).toBe(TO_COUNT);
  zone.count(5, 1000);
  expect(zone.excess).toBe(0);
  expect(zone.check("a", 5, 1000, 0, false)).toBe(EXCEEDS);
  expect(zone.excess).toBe(1000);
});

describe("a zone that is full", () => {
  /** Keys that a zone of 32k holds: what is left of it by the chains, and the slot that is not used. */
  const HELD = (32 * KB - 256 * 4) / 64 - 1;

  test("forgets those first that were not used for longest", () => {
    const zone = new RequestZone(32 * KB, SECRET);
    for (let i = 0; i < HELD; i++) expect(zone.check(`key ${i}`, i, 1, 0, true)).toBe(COUNTED);
    expect(zone.check("key 0", HELD, 1, 0, true)).toBe(EXCEEDS); // is used now
    expect(zone.check("one more", HELD, 1, 0, true)).toBe(COUNTED); // in place of key 1
    expect(zone.check("key 0", HELD, 1, 0, true)).toBe(EXCEEDS);
    expect(zone.check("key 2", HELD, 1, 0, true)).toBe(EXCEEDS);
    expect(zone.check("key 1", HELD, 1, 0, true)).toBe(COUNTED);
  });

  test("has no room for a key that is longer than what three others free", () => {
    const zone = new RequestZone(32 * KB, SECRET);
    for (let i = 0; i < HELD; i++) zone.check(`key ${i}`, i, 1, 0, true);
    expect(zone.check("x".repeat(200), HELD, 1, 0, true)).toBe(NO_ROOM);
    expect(zone.check("key 1", HELD, 1, 0, true)).toBe(EXCEEDS); // only one was removed
  });
});

test("slots: long keys, removals and reuse, until nothing is left", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(key, fc.boolean()), { maxLength: 300 }), (steps) => {
      const slots = new Slots(32 * KB, SECRET);
      const known = new Map<string, number>();
      for (const [key, adds] of steps) {
        const hash = slots.hash(key);
        expect(slots.find(key, hash)).toBe(known.get(key) ?? 0);
        if (adds && !known.has(key)) {
          const slot = slots.add(key, hash);
          if (slot !== 0) known.set(key, slot);
        } else if (!adds && known.has(key)) {
          slots.remove(known.get(key)!);
          known.delete(key);
        }
      }
      for (const [key, slot] of known) expect(slots.find(key, slots.hash(key))).toBe(slot);
      for (const slot of known.values()) slots.remove(slot);
      let free = 0;
      while (slots.add(`fresh ${free}`, free) !== 0) free++;
      expect(free).toBe((32 * KB - 256 * 4) / 64 - 1); // none was lost
    }),
    { numRuns: 100 },
  );
});

test("the hash depends on the secret and on every octet", () => {
  const [one, other] = [new Slots(32 * KB, SECRET), new Slots(32 * KB, "fedcba9876543210")];
  const hashes = new Set(Array.from({ length: 1000 }, (_, i) => one.hash(`client ${i}`)));
  expect(hashes.size).toBe(1000);
  expect(one.hash("a")).not.toBe(other.hash("a"));
  expect(one.hash("a")).not.toBe(one.hash("a\0"));
});
