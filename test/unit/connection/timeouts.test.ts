/** How long a connection waits: which progress starts a timer anew, and what is too slow. */
import { describe, expect, test } from "bun:test";
import { Timeouts, Wait } from "../../../src/connection/timeouts.ts";
import { Timers } from "../../../src/network/timers.ts";
import { settings } from "../handlers/world.ts";

const SETTINGS = settings({
  clientHeaderTimeout: 1_000,
  keepaliveTimeout: 2_000,
  clientBodyTimeout: 3_000,
  sendTimeout: 4_000,
  lingeringTimeout: 5_000,
  clientMinRate: 100,
  sendMinRate: 200,
});

function scene() {
  const reactor = { now: 0, timers: new Timers() };
  const input = { bytesReceived: 0 };
  const output = { bytesTaken: 0 };
  const fired: string[] = [];
  const owner = { input, output, onTimeout: () => fired.push(`${Wait[timeouts.current]} at ${reactor.now}`) };
  const timeouts = new Timeouts(reactor, SETTINGS, owner);
  const pass = (milliseconds: number): void => {
    for (const end = reactor.now + milliseconds; reactor.now < end; ) reactor.timers.fire((reactor.now += 100));
  };
  return { reactor, input, output, fired, timeouts, pass };
}

test.each([
  [Wait.Headers, "Headers at 1000"],
  [Wait.KeepAlive, "KeepAlive at 2000"],
  [Wait.Body, "Body at 3000"],
  [Wait.Send, "Send at 4000"],
  [Wait.Linger, "Linger at 5000"],
] as const)("each wait has its time: %d", (wait, expected) => {
  const { fired, timeouts, pass } = scene();
  timeouts.waitFor(wait);
  pass(20_000);
  expect(fired).toEqual([expected]);
});

test("nothing is waited for without a timer", () => {
  const { fired, timeouts, pass } = scene();
  timeouts.waitFor(Wait.Headers);
  timeouts.waitFor(Wait.Nothing);
  pass(20_000);
  timeouts.waitFor(Wait.Send);
  timeouts.end();
  pass(20_000);
  expect(fired).toEqual([]);
});

describe("progress", () => {
  test("of a body starts its timer anew", () => {
    const { input, fired, timeouts, pass } = scene();
    for (let i = 0; i < 5; i++) {
      timeouts.waitFor(Wait.Body);
      pass(2_900);
      input.bytesReceived++;
    }
    timeouts.waitFor(Wait.Body);
    pass(3_000);
    expect(fired).toEqual(["Body at 17500"]);
  });

  test("does not count for a head: its time is one", () => {
    const { input, fired, timeouts, pass } = scene();
    for (let i = 0; i < 5; i++) {
      timeouts.waitFor(Wait.Headers);
      pass(300);
      input.bytesReceived++;
    }
    expect(fired).toEqual(["Headers at 1000"]);
  });

  test("of the other direction does not count", () => {
    const { output, fired, timeouts, pass } = scene();
    timeouts.waitFor(Wait.Body);
    pass(2_000);
    output.bytesTaken = 1_000;
    timeouts.waitFor(Wait.Body);
    pass(1_000);
    expect(fired).toEqual(["Body at 3000"]);
  });
});

describe("too slow", () => {
  const rows: [wait: Wait.Body | Wait.Send, moved: number, after: number, expected: boolean][] = [
    [Wait.Body, 0, 9_900, false], // a start may be slow
    [Wait.Body, 999, 10_000, true],
    [Wait.Body, 1_000, 10_000, false],
    [Wait.Send, 1_999, 10_000, true],
    [Wait.Send, 2_000, 10_000, false],
  ];
  test.each(rows)("wait %d, %d bytes in %d ms: %p", (wait, moved, after, expected) => {
    const { reactor, input, output, timeouts } = scene();
    timeouts.waitFor(wait);
    reactor.now = after;
    input.bytesReceived = output.bytesTaken = moved;
    expect(timeouts.isTooSlow(wait)).toBe(expected);
  });

  test("a wait that is not the current one has not begun", () => {
    const { reactor, timeouts } = scene();
    timeouts.waitFor(Wait.Send);
    reactor.now = 20_000;
    expect([timeouts.isTooSlow(Wait.Body), timeouts.hasWaited(Wait.Send, 20_000)]).toEqual([false, true]);
  });
});
