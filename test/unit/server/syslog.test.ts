/** Messages to a syslog server that is restarted, slow or not there. */
import { describe, expect, test } from "bun:test";
import { ERRNO } from "../../../ffi/errno.ts";
import type { Kernel } from "../../../ffi/kernel.ts";
import type { SyslogTarget } from "../../../src/config/settings/logs.ts";
import { Timers } from "../../../src/network/timers.ts";
import { Syslog } from "../../../src/server/logs/syslog.ts";

const TARGET: SyslogTarget = {
  kind: "syslog",
  server: "unix:/run/log",
  address: { family: "unix", path: "/run/log" },
  facility: 16,
  severity: 6,
  tag: "web",
  hostname: true,
};

/** A socket whose calls give what is queued, then succeed. */
class Peer {
  readonly sends: number[] = [];
  readonly connects: number[] = [];
  readonly got: string[] = [];
  readonly complaints: string[] = [];
  readonly timers = new Timers();
  now = 0;
  opened = 0;
  closed = 0;
  readonly log: Syslog;

  constructor(target: Partial<SyslogTarget> = {}) {
    const kernel: Partial<Kernel> = {
      socket: () => 10 + this.opened++,
      connect: () => this.connects.shift() ?? 0,
      close: () => this.closed++ * 0,
      send: (_fd, block, offset, length) => {
        const n = this.sends.shift() ?? length;
        if (n > 0) this.got.push(block.bytes.latin1Slice(offset, offset + length));
        return n;
      },
    };
    this.log = new Syslog(
      kernel as Kernel,
      { ...TARGET, ...target },
      "host",
      (message) => this.complaints.push(message),
      (alarm, delay) => this.timers.start(alarm, delay, this.now),
    );
  }

  /** Lets the time come that it waits for; gives it. */
  wait(): number {
    const next = this.timers.nearest();
    if (next === Number.POSITIVE_INFINITY) return next;
    this.now = next;
    this.timers.fire(next);
    return next;
  }

  say(...texts: string[]): void {
    for (const text of texts) this.log.send(3, "Nov  8 09:05:00", text);
  }
}

test("the form of RFC 3164", () => {
  const [named, nameless] = [new Peer(), new Peer({ hostname: false, facility: 0, tag: "nginx" })];
  for (const peer of [named, nameless]) peer.say("a \xe4");
  expect([named.got, nameless.got]).toEqual([
    ["<131>Nov  8 09:05:00 host web: a \xe4"],
    ["<3>Nov  8 09:05:00 nginx: a \xe4"],
  ]);
});

test("a message longer than a datagram is cut", () => {
  const peer = new Peer();
  peer.say("x".repeat(100_000));
  expect(peer.got[0]!.length).toBe(65_507);
});

test("a server that was restarted gets the message on a new socket", () => {
  const peer = new Peer();
  peer.say("a");
  peer.sends.push(-ERRNO.ECONNREFUSED);
  peer.say("b", "c");
  expect(peer.got.map((text) => text.at(-1))).toEqual(["a", "b", "c"]);
  expect([peer.opened, peer.closed, peer.wait()]).toEqual([2, 1, Number.POSITIVE_INFINITY]);
  peer.log.close();
  expect(peer.closed).toBe(2);
});

describe("losses", () => {
  test("are told a second after the first, then once a minute", () => {
    const peer = new Peer();
    peer.sends.push(-ERRNO.EAGAIN, -ERRNO.EAGAIN);
    peer.say("a", "b", "c");
    expect(peer.complaints).toEqual([]);
    expect(peer.wait()).toBe(1000);
    expect(peer.complaints).toEqual([
      '2 messages for the syslog server "unix:/run/log" were lost (11: Resource temporarily unavailable)',
    ]);
    peer.sends.push(-ERRNO.EAGAIN);
    peer.say("d");
    expect([peer.wait(), peer.complaints.length]).toEqual([61_000, 2]);
    expect([peer.wait(), peer.wait()]).toEqual([121_000, Number.POSITIVE_INFINITY]);
    expect(peer.complaints).toHaveLength(2);
  });

  test("of a server that is not there: no descriptor stays, and the end tells", () => {
    const peer = new Peer();
    peer.connects.push(-ERRNO.ENOENT, -ERRNO.ENOENT);
    peer.say("a", "b", "c");
    expect([peer.got.length, peer.opened, peer.closed]).toEqual([1, 3, 2]);
    peer.log.close();
    expect(peer.complaints).toEqual([
      '2 messages for the syslog server "unix:/run/log" were lost (2: No such file or directory)',
    ]);
  });

  test("are not told to the server that has lost them", () => {
    const peer = new Peer();
    peer.sends.push(-ERRNO.EAGAIN);
    peer.say("a");
    const tell = peer.complaints.push.bind(peer.complaints);
    peer.complaints.push = (text) => {
      peer.say("a complaint");
      return tell(text);
    };
    peer.log.close();
    expect(peer.got).toEqual([]);
    expect(peer.complaints).toHaveLength(1);
  });
});
