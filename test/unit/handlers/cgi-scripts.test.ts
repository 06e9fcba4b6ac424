/** Places for scripts, and the queue before them. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { type Candidate, type Limits, type Running, Scripts } from "../../../src/handlers/cgi/scripts.ts";
import type { Reactor, Unfinished } from "../../../src/network/reactor.ts";
import { Timers } from "../../../src/network/timers.ts";

setDefaultTimeout(60_000);

const limits = (most: number, length = 1_000_000, wait = 1000): Limits => ({
  cgiMaxProcesses: most,
  cgiQueue: { length, wait },
});

/** Scripts by name, and what happened to them. */
function world() {
  const unfinished: Unfinished[] = [];
  const reactor = { timers: new Timers(), now: 0, again: (what: Unfinished) => void unfinished.push(what) };
  const scripts = new Scripts(reactor as unknown as Reactor);
  const events: string[] = [];
  const one = (name: string, starts = true): Candidate & Running => ({
    launch(): void {
      events.push(`${name} starts`);
      if (starts) scripts.started(this);
      else scripts.ended(this);
    },
    refuse: () => void events.push(`${name} is refused`),
    kill: () => void events.push(`${name} is killed`),
  });
  /** Turns of the reactor until nobody asks for another. */
  const turns = (): void => {
    for (let what = unfinished.shift(); what !== undefined; what = unfinished.shift()) {
      reactor.now++;
      what.onTurn();
    }
  };
  return { reactor, scripts, events, one, turns };
}

test("as many as may run start at once, the others one by one when a place is free", () => {
  const { scripts, events, one } = world();
  const all = ["a", "b", "c", "d"].map((name) => one(name));
  for (const each of all) scripts.enter(each, limits(2));
  expect(events.splice(0)).toEqual(["a starts", "b starts"]);
  scripts.ended(all[1]!);
  expect(events.splice(0)).toEqual(["c starts"]);
  scripts.ended(all[0]!);
  expect(events).toEqual(["d starts"]);
});

test("a full queue refuses at once, a wait in vain when its time is over", () => {
  const { reactor, scripts, events, one } = world();
  for (const name of ["a", "b", "c"]) scripts.enter(one(name), limits(1, 1, 50));
  expect(events.splice(0)).toEqual(["a starts", "c is refused"]);
  reactor.timers.fire(49);
  expect(events).toEqual([]);
  reactor.timers.fire(50);
  expect(events).toEqual(["b is refused"]);
});

test("who has left the queue gets no place, nor does its time end", () => {
  const { reactor, scripts, events, one } = world();
  const [a, b, c] = ["a", "b", "c"].map((name) => one(name)) as [Candidate & Running, Candidate, Candidate];
  for (const each of [a, b, c]) scripts.enter(each, limits(1, 2, 50));
  scripts.leaveQueue(b);
  scripts.ended(a);
  reactor.timers.fire(1000);
  expect(events).toEqual(["a starts", "c starts"]);
});

test("each location has its own bound on all that run", () => {
  const { scripts, events, one } = world();
  const [a, b, c, d] = ["a", "b", "c", "d"].map((name) => one(name)) as [
    Running & Candidate,
    ...(Running & Candidate)[],
  ];
  scripts.enter(a, limits(2));
  scripts.enter(b!, limits(2));
  scripts.enter(c!, limits(1));
  scripts.enter(d!, limits(2));
  scripts.ended(a);
  expect(events).toEqual(["a starts", "b starts", "d starts"]);
});

test("a queue of many that cannot be started is gone through, and no place is lost", () => {
  const { scripts, events, one, turns } = world();
  const first = one("the first");
  scripts.enter(first, limits(1));
  for (let i = 0; i < 50_000; i++) scripts.enter(one("a bad one", false), limits(1));
  scripts.enter(one("the last"), limits(1));
  scripts.ended(first);
  turns();
  expect(events.length).toBe(50_002);
  expect(events.at(-1)).toBe("the last starts");
});

test("many at once start in shares, so that others are served between them", () => {
  const { reactor, scripts, events, one, turns } = world();
  const all = Array.from({ length: 10 }, (_, i) => one(`${i}`));
  for (const each of all) scripts.enter(each, limits(9));
  expect(events.length).toBe(4);
  scripts.leaveQueue(all[5]!);
  reactor.now++;
  turns();
  expect(events).toEqual([0, 1, 2, 3, 4, 6, 7, 8, 9].map((number) => `${number} starts`));
});

test("whoever takes over from a script waits for its place before all others, however full the queue is", () => {
  const { scripts, events, one } = world();
  const first = one("first");
  scripts.enter(first, limits(1, 1));
  scripts.enter(one("other"), limits(1, 1));
  scripts.handOver(() => scripts.enter(one("second"), limits(1, 1)));
  scripts.enter(one("late"), limits(1, 1));
  expect(events.splice(0)).toEqual(["first starts", "late is refused"]);
  scripts.ended(first);
  expect(events).toEqual(["second starts"]);
});

test("when the server stops, all that run are killed, and none of the queue starts", () => {
  const { reactor, scripts, events, one } = world();
  const a = one("a");
  scripts.enter(a, limits(1));
  scripts.enter(one("b"), limits(1));
  Object.assign(reactor, { turn: () => scripts.ended(a) });
  scripts.stop();
  expect(events).toEqual(["a starts", "a is killed"]);
});
