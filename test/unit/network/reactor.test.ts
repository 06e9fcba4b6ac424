/** The event loop on the real kernel: who is told of what, when descriptors are closed, and how long it waits. */
import { afterAll, describe, expect, test } from "bun:test";
import { EPOLLIN, EPOLLOUT, O_RDONLY } from "../../../ffi/abi.ts";
import { ERRNO } from "../../../ffi/errno.ts";
import { FileStatus, type Kernel } from "../../../ffi/kernel.ts";
import { linux } from "../../../ffi/linux.ts";
import { Block } from "../../../ffi/memory.ts";
import { Reactor, type Source } from "../../../src/network/reactor.ts";
import { Timed } from "../../../src/network/timers.ts";
import { pair } from "../ffi/sockets.ts";

const block = new Block(100);
const status = new FileStatus();
const ends: number[] = [];
afterAll(() => ends.forEach((fd) => void linux.close(fd)));

/** A source that notes its events. */
class Probe implements Source {
  readonly events: number[] = [];

  constructor(
    readonly fd: number,
    private readonly then: () => void = () => {},
  ) {}

  onEvents(events: number): void {
    this.events.push(events);
    this.then();
  }
}

class Alarm extends Timed {
  rings = 0;

  onTimeout(): void {
    this.rings++;
  }
}

const isOpen = (fd: number): boolean => linux.fstat(fd, status) === 0;

/** A connected socket that can be read. */
function readable(): number {
  const { near, far } = pair(linux, ends);
  linux.send(far, block, 0, 1);
  while (linux.recv(near, block, 0, 1) !== 1) Bun.sleepSync(1);
  linux.send(far, block, 0, 1);
  return near;
}

/** A descriptor of its own that is always writable; the reactor is to close it. */
function writable(): number {
  const { near, far, listener } = pair(linux);
  ends.push(far, listener);
  return near;
}

/** Turns until `done`; each waits for what comes. */
function turnUntil(reactor: Reactor, done: () => boolean): void {
  for (let i = 0; !done() && i < 100; i++) reactor.turn(100);
}

describe("events", () => {
  test("reach the source of their descriptor", () => {
    const reactor = new Reactor(linux);
    const probes = [readable(), readable()].map((fd) => new Probe(fd));
    for (const probe of probes) expect(reactor.add(probe, EPOLLIN)).toBe(0);
    turnUntil(reactor, () => probes.every(({ events }) => events.length > 0));
    for (const { events } of probes) expect(new Set(events)).toEqual(new Set([EPOLLIN]));
    reactor.dispose();
  });

  test("stop when it is removed, and the descriptor stays open", () => {
    const reactor = new Reactor(linux);
    const probe = new Probe(readable());
    reactor.add(probe, EPOLLIN);
    reactor.remove(probe);
    expect(reactor.turn(0)).toBe(0);
    expect(probe.events).toEqual([]);
    expect(isOpen(probe.fd)).toBe(true);
    reactor.dispose();
  });

  test("an error of epoll_ctl comes back", () => {
    const reactor = new Reactor(linux);
    expect(reactor.add(new Probe(-1), EPOLLIN)).toBe(-ERRNO.EBADF);
    const file = linux.open("/proc/self/stat", O_RDONLY, 0);
    expect(reactor.add(new Probe(file), EPOLLIN)).toBe(-ERRNO.EPERM);
    linux.close(file);
    reactor.dispose();
  });
});

describe("events that are stale", () => {
  /** Two sources that are ready in the same turn; the first that is told does `action` to the other. */
  function twoReady(action: (reactor: Reactor, other: Probe) => void): { reactor: Reactor; other: Probe } {
    const reactor = new Reactor(linux);
    let other: Probe | null = null;
    const act = (fd: number) => () => {
      if (other !== null) return;
      other = probes.find((probe) => probe.fd !== fd)!;
      action(reactor, other);
    };
    const probes = [writable(), writable()].map((fd) => new Probe(fd, act(fd)));
    for (const probe of probes) reactor.add(probe, EPOLLOUT);
    turnUntil(reactor, () => other !== null);
    return { reactor, other: other! };
  }

  test("of a source that was closed earlier in the turn, are dropped", () => {
    const { reactor, other } = twoReady((reactor, other) => reactor.close(other));
    expect(other.events).toEqual([]);
    reactor.dispose();
  });

  test("of a source that was removed earlier in the turn, are dropped", () => {
    const { reactor, other } = twoReady((reactor, other) => reactor.remove(other));
    expect(other.events).toEqual([]);
    reactor.dispose();
  });

  test("of a descriptor that has another source by now, are dropped: the new one gets its own", () => {
    let next: Probe | null = null;
    const { reactor, other } = twoReady((reactor, other) => {
      reactor.remove(other);
      next = new Probe(other.fd);
      reactor.add(next, EPOLLOUT);
    });
    expect([other.events, next!.events]).toEqual([[], []]);
    reactor.turn(1000);
    expect([other.events, next!.events]).toEqual([[], [EPOLLOUT]]);
    reactor.dispose();
  });
});

describe("close", () => {
  test("happens at the end of the turn, so that nobody gets the same number before", () => {
    const reactor = new Reactor(linux);
    const seen: boolean[] = [];
    const probe: Probe = new Probe(writable(), () => {
      reactor.close(probe);
      seen.push(isOpen(probe.fd));
    });
    reactor.onTurnEnd = () => void seen.push(isOpen(probe.fd));
    reactor.add(probe, EPOLLOUT);
    reactor.turn(1000);
    expect(seen).toEqual([true, true]);
    expect(isOpen(probe.fd)).toBe(false);
    expect([...reactor.descriptors()]).toHaveLength(1);
    reactor.dispose();
  });

  test("dispose closes what waits for it, and epoll's own descriptor", () => {
    const reactor = new Reactor(linux);
    const [epoll] = [...reactor.descriptors()] as [number];
    const probe = new Probe(writable());
    reactor.add(probe, EPOLLOUT);
    reactor.close(probe);
    expect([...reactor.descriptors()]).toEqual([epoll, probe.fd]);
    reactor.dispose();
    expect([epoll, probe.fd].map(isOpen)).toEqual([false, false]);
  });

  test("a descriptor that somebody else closed is a mistake that shows", () => {
    const reactor = new Reactor(linux);
    const probe = new Probe(writable());
    reactor.add(probe, EPOLLOUT);
    linux.close(probe.fd);
    reactor.close(probe);
    expect(() => reactor.turn(0)).toThrow(`descriptor ${probe.fd} was closed by someone else`);
    reactor.dispose();
  });
});

/** A reactor whose waits end at once with `answer`, and the longest wait it allowed each time. */
function idle(answer = 0): { reactor: Reactor; waits: number[]; clock: { now: number } } {
  const waits: number[] = [];
  const clock = { now: 5000 };
  const kernel: Kernel = {
    ...linux,
    monotonic: () => clock.now,
    epollWait: (_epoll, _events, _capacity, timeout) => {
      waits.push(timeout);
      return answer;
    },
  };
  return { reactor: new Reactor(kernel), waits, clock };
}

describe("a wait", () => {
  test.each([
    ["nothing to wait for: as long as it may", null, 1000],
    ["a deadline before that", 250, 250],
    ["a deadline within a millisecond: not before it", 249.1, 250],
    ["a deadline after that", 60_000, 1000],
    ["a deadline that has passed", 0, 0],
  ])("%s", (_name, duration, expected) => {
    const { reactor, waits } = idle();
    if (duration !== null) reactor.timers.start(new Alarm(), duration, reactor.now);
    reactor.turn(1000);
    expect(waits).toEqual([expected]);
    reactor.dispose();
  });

  test("is not lengthened by what happened since the turn before", () => {
    const { reactor, waits, clock } = idle();
    reactor.timers.start(new Alarm(), 100, reactor.now);
    clock.now += 70;
    reactor.turn(1000);
    expect(waits).toEqual([30]);
    reactor.dispose();
  });

  test("is short while a thread of the runtime owes a result", () => {
    const asked: number[] = [];
    const kernel: Kernel = {
      ...linux,
      epollWait: (epoll, events, capacity, timeout) => {
        asked.push(timeout);
        return linux.epollWait(epoll, events, capacity, 0);
      },
    };
    const reactor = new Reactor(kernel);
    reactor.turn(1000);
    reactor.expect();
    reactor.expect();
    reactor.turn(1000);
    reactor.arrived();
    reactor.turn(1);
    reactor.arrived();
    reactor.turn(1000);
    expect(asked).toEqual([1000, 2, 1, 1000]);
    reactor.dispose();
  });

  test("is none while somebody has more to do", () => {
    const { reactor, waits } = idle();
    reactor.again({ onTurn: () => {} });
    reactor.turn(1000);
    reactor.turn(1000);
    expect(waits).toEqual([0, 1000]);
    reactor.dispose();
  });

  test("that a signal ended is a turn without events: timers fire, the unfinished go on", () => {
    const { reactor, clock } = idle(-ERRNO.EINTR);
    const alarm = new Alarm();
    let turns = 0;
    reactor.timers.start(alarm, 10, reactor.now);
    reactor.again({ onTurn: () => void turns++ });
    clock.now += 10;
    expect(reactor.turn(1000)).toBe(-ERRNO.EINTR);
    expect([alarm.rings, turns]).toEqual([1, 1]);
    reactor.dispose();
  });
});

describe("a turn", () => {
  test("tells its start, events, the unfinished, timers, its end, in this order", () => {
    const reactor = new Reactor(linux);
    const steps: string[] = [];
    const probe = new Probe(writable(), () => {
      if (!steps.includes("event")) steps.push("event");
    });
    const alarm = new Alarm();
    alarm.onTimeout = () => void steps.push("timeout");
    reactor.onTurnStart = () => void steps.push("start");
    reactor.onTurnEnd = () => void steps.push("end");
    reactor.add(probe, EPOLLOUT);
    reactor.timers.start(alarm, 0, reactor.now);
    reactor.again({ onTurn: () => void steps.push("unfinished") });
    reactor.turn(1000);
    expect(steps).toEqual(["start", "event", "unfinished", "timeout", "end"]);
    reactor.close(probe);
    reactor.dispose();
  });

  test("gives an unfinished one a single share; what it asks for comes in the next", () => {
    const { reactor } = idle();
    let shares = 0;
    const greedy = {
      onTurn: () => {
        shares++;
        reactor.again(greedy);
      },
    };
    reactor.again(greedy);
    for (let turn = 1; turn <= 3; turn++) {
      reactor.turn(0);
      expect(shares).toBe(turn);
    }
    reactor.dispose();
  });
});

describe("what throws costs nobody else their turn:", () => {
  const planned = new Error("planned");
  const fails = (): never => {
    throw planned;
  };
  /** A reactor that notes errors instead of passing them on. */
  const noting = () => {
    const reactor = new Reactor(linux);
    const errors: unknown[] = [];
    reactor.onError = (error) => errors.push(error);
    return { reactor, errors };
  };

  test("a source", () => {
    const { reactor, errors } = noting();
    const bad = new Probe(readable(), fails);
    const good = new Probe(readable());
    for (const probe of [bad, good]) reactor.add(probe, EPOLLIN);
    turnUntil(reactor, () => good.events.length > 0 && errors.length > 0);
    expect(errors[0]).toBe(planned);
    for (const probe of [bad, good]) reactor.remove(probe);
    reactor.dispose();
  });

  test("an unfinished one", () => {
    const { reactor, errors } = noting();
    let turns = 0;
    reactor.again({ onTurn: fails });
    reactor.again({ onTurn: () => turns++ });
    reactor.turn(0);
    expect([turns, errors]).toEqual([1, [planned]]);
    reactor.dispose();
  });

  test("a timer, of the same duration or another", () => {
    const { reactor, errors } = noting();
    const alarms = [new Alarm(), new Alarm()];
    const bad = new (class extends Timed {
      onTimeout(): void {
        fails();
      }
    })();
    reactor.timers.start(bad, 1, reactor.now);
    reactor.timers.start(alarms[0]!, 1, reactor.now);
    reactor.timers.start(alarms[1]!, 2, reactor.now);
    turnUntil(reactor, () => alarms.every(({ rings }) => rings === 1));
    expect(errors).toEqual([planned]);
    reactor.dispose();
  });

  test("without anyone to tell it to, it is thrown", () => {
    const { reactor } = idle();
    reactor.again({ onTurn: fails });
    expect(() => reactor.turn(0)).toThrow(planned);
    reactor.dispose();
  });
});

describe("run", () => {
  test("ends after stop, and lets the runtime have its turn after an idle wait", async () => {
    const { reactor, waits } = idle();
    setTimeout(() => reactor.stop(), 0);
    await reactor.run();
    expect(waits.length).toBeGreaterThan(0);
    reactor.dispose();
  });

  test("lets the runtime have its turn also when it is always busy", async () => {
    const reactor = new Reactor(linux);
    const probe = new Probe(writable());
    reactor.add(probe, EPOLLOUT);
    setImmediate(() => reactor.stop());
    await reactor.run();
    expect(probe.events.length).toBeWithin(1, 65);
    reactor.close(probe);
    reactor.dispose();
  });

  test("lets the runtime have its turn after a second, when its few turns take long: a signal does not wait for more events", async () => {
    let now = 0;
    const reactor = new Reactor({ ...linux, monotonic: () => (now += 300) });
    const probe = new Probe(writable());
    reactor.add(probe, EPOLLOUT);
    setImmediate(() => reactor.stop());
    await reactor.run();
    expect(probe.events.length).toBeWithin(1, 5);
    reactor.close(probe);
    reactor.dispose();
  });
});

test("without a descriptor for epoll there is no reactor", () => {
  const kernel: Kernel = { ...linux, epollCreate: () => -ERRNO.EMFILE };
  expect(() => new Reactor(kernel)).toThrow("epoll_create1() failed (24: Too many open files)");
});
