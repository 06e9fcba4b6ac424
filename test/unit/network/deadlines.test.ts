/** Timers of any duration: each rings once, in its millisecond, and few lists of Timers are used. */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { Deadline, Deadlines } from "../../../src/network/deadlines.ts";
import { Timers } from "../../../src/network/timers.ts";

function clock() {
  const timers = new Timers();
  const reactor = { now: 0, timers };
  const runTo = (end: number): void => {
    for (let next = timers.nearest(); next <= end; next = timers.nearest()) {
      reactor.now = Math.max(next, reactor.now);
      timers.fire(reactor.now);
    }
    reactor.now = end;
  };
  return { reactor, runTo };
}

test("ring at their time, in order; those that are stopped do not", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.integer({ min: 1, max: 100_000 }), fc.boolean())), (given) => {
      const { reactor, runTo } = clock();
      const deadlines = new Deadlines(reactor);
      const rung: [at: number, due: number][] = [];
      const made = given.map(([time]) => {
        const one: Deadline = new Deadline(() => rung.push([reactor.now, one.time]));
        deadlines.start(one, time);
        return one;
      });
      given.forEach(([, stops], i) => {
        if (stops) deadlines.stop(made[i]!);
      });
      runTo(200_000);
      const expected = given.filter(([, stops]) => !stops).map(([time]) => time);
      expect(rung).toEqual(expected.toSorted((a, b) => a - b).map((time) => [time, time]));
      expect(reactor.timers.nearest()).toBe(Number.POSITIVE_INFINITY);
    }),
    { numRuns: 200 },
  );
});

test("one that throws does not hold up the others", () => {
  const { reactor, runTo } = clock();
  const deadlines = new Deadlines(reactor);
  let rung = 0;
  const failing = new Deadline(() => {
    throw new Error("planned");
  });
  deadlines.start(failing, 5);
  deadlines.start(new Deadline(() => rung++), 5);
  expect(() => runTo(5)).toThrow("planned");
  runTo(10);
  expect(rung).toBe(1);
});
