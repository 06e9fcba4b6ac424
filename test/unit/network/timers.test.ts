/** Timers: what is due fires once, in order, and nothing else does; whatever is started or stopped meanwhile. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { Timed, Timers } from "../../../src/network/timers.ts";

class Waiting extends Timed {
  constructor(
    readonly name: string,
    private readonly fired: string[],
    private readonly then: (self: Waiting) => void = () => {},
  ) {
    super();
  }

  onTimeout(): void {
    this.fired.push(this.name);
    this.then(this);
  }
}

/** Timers named a to e, and the names of those that have fired since the last look. */
function scene() {
  const timers = new Timers();
  const fired: string[] = [];
  const [a, b, c, d, e] = ["a", "b", "c", "d", "e"].map((name) => new Waiting(name, fired)) as [
    Waiting,
    Waiting,
    Waiting,
    Waiting,
    Waiting,
  ];
  const firedAt = (now: number): string => {
    timers.fire(now);
    return fired.splice(0).join(" ");
  };
  return { timers, fired, firedAt, a, b, c, d, e };
}

describe("one duration", () => {
  test("fires in the order of the starts, each when its time has come", () => {
    const { timers, firedAt, a, b, c } = scene();
    timers.start(a, 100, 0);
    timers.start(b, 100, 10);
    timers.start(c, 100, 10);
    expect([99, 100, 109, 110, 1000].map(firedAt)).toEqual(["", "a", "", "b c", ""]);
  });

  test.each([
    ["the first", [0], "b c d"],
    ["one in the middle", [1], "a c d"],
    ["the last", [3], "a b c"],
    ["two neighbours", [1, 2], "a d"],
    ["all", [0, 1, 2, 3], ""],
    ["all, backwards", [3, 2, 1, 0], ""],
    ["the same twice", [2, 2], "a b d"],
  ])("stopping %s leaves the others", (_which, stops, left) => {
    const { timers, firedAt, a, b, c, d } = scene();
    const all = [a, b, c, d];
    for (const timed of all) timers.start(timed, 100, 0);
    for (const i of stops) timers.stop(all[i]!);
    expect(firedAt(100)).toBe(left);
    expect(timers.nearest()).toBe(Number.POSITIVE_INFINITY);
  });

  test("a new start is a new deadline, at the end of the list", () => {
    const { timers, firedAt, a, b } = scene();
    timers.start(a, 100, 0);
    timers.start(b, 100, 5);
    timers.start(a, 100, 50);
    expect([104, 105, 149, 150].map(firedAt)).toEqual(["", "b", "", "a"]);
  });

  test("after all have been stopped it can be used again", () => {
    const { timers, firedAt, a, b } = scene();
    timers.start(a, 100, 0);
    timers.stop(a);
    timers.start(b, 100, 0);
    timers.start(a, 100, 0);
    expect(firedAt(100)).toBe("b a");
  });
});

describe("several durations", () => {
  test("nearest is the nearest deadline of all", () => {
    const { timers, a, b, c } = scene();
    expect(timers.nearest()).toBe(Number.POSITIVE_INFINITY);
    timers.start(a, 60_000, 0);
    expect(timers.nearest()).toBe(60_000);
    timers.start(b, 10, 0);
    timers.start(c, 500, 0);
    expect(timers.nearest()).toBe(10);
    timers.stop(b);
    expect(timers.nearest()).toBe(500);
    timers.fire(500);
    expect(timers.nearest()).toBe(60_000);
  });

  test("a start with another duration leaves the list of the one before", () => {
    const { timers, firedAt, a, b } = scene();
    timers.start(a, 100, 0);
    timers.start(b, 100, 0);
    timers.start(a, 300, 0);
    expect([100, 299, 300].map(firedAt)).toEqual(["b", "", "a"]);
  });
});

describe("while they fire", () => {
  test("what starts itself again waits for a later turn", () => {
    const timers = new Timers();
    const fired: string[] = [];
    const again = new Waiting("again", fired, (self) => timers.start(self, 10, 100));
    timers.start(again, 10, 0);
    timers.fire(100);
    expect(fired).toEqual(["again"]);
    expect(timers.nearest()).toBe(110);
  });

  test("what is started waits, whichever list it goes to, also one that is new", () => {
    const { timers, firedAt, fired, a, b, c } = scene();
    const starter = new Waiting("starter", fired, () => {
      timers.start(a, 10, 100);
      timers.start(b, 20, 100);
      timers.start(c, 1, 100);
    });
    for (const duration of [10, 20]) timers.list(duration);
    timers.start(starter, 20, 0);
    expect([100, 101, 110, 120].map(firedAt)).toEqual(["starter", "c", "a", "b"]);
  });

  test("what is stopped by another that is due does not fire, before or behind it, in its list or another", () => {
    const { timers, firedAt, fired, a, b, c, d } = scene();
    const stopper = new Waiting("stopper", fired, () => {
      for (const timed of [b, c, d]) timers.stop(timed);
    });
    timers.start(a, 10, 0);
    timers.start(stopper, 10, 0);
    timers.start(b, 10, 0);
    timers.start(c, 20, 0);
    timers.start(d, 5, 90);
    expect(firedAt(100)).toBe("a stopper");
  });

  test("it is stopped already when it is told", () => {
    const timers = new Timers();
    const seen: unknown[] = [];
    const timed = new Waiting("one", [], (self) => seen.push(self.timerList));
    timers.start(timed, 10, 0);
    timers.fire(10);
    expect(seen).toEqual([null]);
  });
});

type Command =
  | { readonly start: number; readonly duration: number }
  | { readonly stop: number }
  | { readonly pass: number };
const which = fc.integer({ min: 0, max: 7 });
const command: fc.Arbitrary<Command> = fc.oneof(
  fc.record({ start: which, duration: fc.constantFrom(5, 10, 60, 1000) }),
  fc.record({ stop: which }),
  fc.record({ pass: fc.integer({ min: 0, max: 30 }) }),
);

test("any sequence of starts, stops and time does what a list of deadlines does", () => {
  const property = fc.property(fc.array(command, { maxLength: 200 }), (commands) => {
    const timers = new Timers();
    const fired: string[] = [];
    const waiting = Array.from({ length: 8 }, (_, i) => new Waiting(`${i}`, fired));
    const deadlines = new Map<string, number>();
    let now = 0;
    for (const step of commands) {
      if ("start" in step) {
        timers.start(waiting[step.start]!, step.duration, now);
        deadlines.set(`${step.start}`, now + step.duration);
      } else if ("stop" in step) {
        timers.stop(waiting[step.stop]!);
        deadlines.delete(`${step.stop}`);
      } else {
        now += step.pass;
        const due = [...deadlines].filter(([, deadline]) => deadline <= now).map(([name]) => name);
        for (const name of due) deadlines.delete(name);
        timers.fire(now);
        expect(fired.splice(0).sort()).toEqual(due.sort());
      }
      expect(timers.nearest()).toBe(Math.min(...deadlines.values()));
    }
  });
  fc.assert(property, { numRuns: 300 });
});
