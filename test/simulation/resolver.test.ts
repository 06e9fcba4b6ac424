/** The resolver on a simulated kernel: time-outs, retries, guesses, lost datagrams, and what is remembered for how long. */
import { describe, expect, test } from "bun:test";
import { decode, encode } from "dns-packet";
import { Block } from "../../ffi/memory.ts";
import { encodeAddress } from "../../src/network/address.ts";
import { Reactor } from "../../src/network/reactor.ts";
import { Resolver } from "../../src/network/resolver/resolver.ts";
import { a, aaaa, answer, cname, type Zone } from "../wire/dns-server.ts";
import type { Connection } from "./connection.ts";
import type { DatagramServer } from "./datagrams.ts";
import type { Fault } from "./faults.ts";
import { SimulatedKernel } from "./kernel.ts";
import type { RemotePeer } from "./listener.ts";
import { seedsOf } from "./world.ts";

const ZONE: Zone = {
  "one.test": { records: [a("one.test", "192.0.2.1", 60), aaaa("one.test", "2001:db8::1", 30)] },
  "short.test": { records: [a("short.test", "192.0.2.2", 0)] },
  "loop.test": { records: [cname("loop.test", "pool.test"), cname("pool.test", "loop.test")] },
  "large.test": { records: [a("large.test", "192.0.2.3")], cut: true },
  "endless.test": { records: [cname("endless.test", "endless.test")] },
  "chain.test": { records: [cname("chain.test", "link.test", 5), cname("link.test", "one.test", 90)] },
};

const SERVERS = [1, 2, 3].map((host) => ({ family: "ipv4", host: `10.0.0.${host}`, port: 53 }) as const);
const IPV4: ResolverSettings = { servers: [SERVERS[0]!], valid: null, ipv4: true, ipv6: false };

type Found = string[] | number;

type Manner = "whole" | "pieces" | "cut" | "silent" | "garbage";

/** A server's end of a connection: answers one question, whole, in pieces, cut short, or not at all. */
class StreamServer implements RemotePeer {
  connection: Connection | null = null;
  private input = Buffer.alloc(0);
  private done = false;

  constructor(private readonly manner: Manner) {}

  connected(): void {
    this.notified();
  }

  notified(): void {
    const { connection } = this;
    if (connection === null || connection.wasReset || this.done) return;
    this.input = Buffer.concat([this.input, connection.peerTake(Number.POSITIVE_INFINITY)]);
    if (connection.peerAtEnd) return connection.peerFinish();
    if (this.input.length < 2 || this.input.length < 2 + this.input.readUInt16BE(0)) return;
    this.done = true;
    this.reply(connection, answer(this.input.subarray(2), ZONE, true));
  }

  private reply(connection: Connection, message: Buffer): void {
    const prefix = Buffer.from([message.length >> 8, message.length & 255]);
    const bytes = Buffer.concat([prefix, this.manner === "garbage" ? message.fill(7) : message]);
    if (this.manner === "whole" || this.manner === "garbage") connection.peerSend(bytes);
    if (this.manner === "pieces") for (const byte of bytes) connection.peerSend(Buffer.from([byte]));
    if (this.manner !== "cut") return;
    connection.peerSend(bytes.subarray(0, -1));
    connection.peerFinish();
  }
}

type ResolverSettings = Parameters<Resolver["resolve"]>[2];

/** The struct sockaddr of a server. */
function addressOf(index: number): Buffer {
  const block = new Block(128);
  return Buffer.from(block.bytes.subarray(0, encodeAddress(SERVERS[index]!, block)));
}

/** A resolver, its kernel, and servers that are functions. */
class Setting {
  readonly kernel: SimulatedKernel;
  readonly reactor: Reactor;
  readonly resolver: Resolver;
  asked = 0;

  constructor(seed = 1, faults: readonly Fault[] = []) {
    this.kernel = new SimulatedKernel(seed, faults);
    this.reactor = new Reactor(this.kernel);
    this.resolver = new Resolver(this.kernel, this.reactor);
  }

  /** What a correct server does. */
  honest(zone = ZONE, code = 3): DatagramServer {
    return (query, reply) => {
      this.asked++;
      reply(answer(query, zone, false, code));
    };
  }

  serve(index: number, server: DatagramServer): void {
    this.kernel.network.answerDatagrams(addressOf(index), server);
  }

  /** Connections to a server. */
  serveStreams(index: number, outcome: "accepts" | "refuses" | "hangs", manner: Manner = "whole"): void {
    const options = { receiveBuffer: 4096, sendBuffer: 4096, latency: 5 };
    this.kernel.network.place(addressOf(index), {
      connect: () => ({ outcome, options, peer: new StreamServer(manner) }),
    });
  }

  /** Asks; what comes is put into the array that is given: hosts, or the code of an error. */
  ask(name: string, settings = IPV4, timeout = 30_000): { found: Found[]; cancel: () => void } {
    const found: Found[] = [];
    const cancel = this.resolver.resolve(name, 80, settings, timeout, (result) => {
      found.push("code" in result ? result.code : result.map((one) => ("host" in one ? one.host : "")));
    });
    return { found, cancel };
  }

  /** Turns the loop for `ms` of virtual time. */
  pass(ms: number): void {
    for (const end = this.kernel.clock.now + ms; this.kernel.clock.now < end; ) {
      this.reactor.turn(Math.ceil(end - this.kernel.clock.now));
    }
  }

  /** Asks, and waits until there is an answer. */
  find(name: string, settings = IPV4, timeout = 30_000): Found {
    const { found } = this.ask(name, settings, timeout);
    for (let waited = 0; found.length === 0 && waited < 100_000; waited += 100) this.pass(100);
    expect(found.length).toBe(1);
    return found[0]!;
  }

  /** Nothing is left open. */
  end(): void {
    this.reactor.turn(0);
    expect([...this.reactor.descriptors()].length).toBe(1);
    this.reactor.dispose();
    expect(this.kernel.misuse).toBeNull();
  }
}

describe("answers", () => {
  test("are remembered for the least TTL of their records, or for `valid`", () => {
    const setting = new Setting();
    setting.serve(0, setting.honest());
    expect(setting.find("chain.test")).toEqual(["192.0.2.1"]);
    const { asked } = setting;
    setting.pass(4000);
    expect(setting.find("CHAIN.test.")).toEqual(["192.0.2.1"]);
    expect(setting.asked).toBe(asked);
    setting.pass(1500);
    expect(setting.find("chain.test")).toEqual(["192.0.2.1"]);
    expect(setting.asked).toBeGreaterThan(asked);
    const valid = { ...IPV4, valid: 300_000 };
    setting.find("chain.test", valid);
    const then = setting.asked;
    setting.pass(299_000);
    setting.find("chain.test", valid);
    expect(setting.asked).toBe(then);
    setting.end();
  });

  test("with a TTL of 0 serve for a second, and names that are missing for two", () => {
    const setting = new Setting();
    setting.serve(0, setting.honest());
    for (const [name, lasts] of [
      ["short.test", 900],
      ["missing.test", 1900],
    ] as const) {
      const first = setting.find(name);
      const { asked } = setting;
      setting.pass(lasts - 100);
      expect(setting.find(name)).toEqual(first);
      expect(setting.asked).toBe(asked);
      setting.pass(1000);
      expect(setting.find(name)).toEqual(first);
      expect(setting.asked).toBe(asked + 1);
    }
    setting.end();
  });

  test("are of the wanted kinds only", () => {
    const setting = new Setting();
    setting.serve(0, setting.honest());
    expect(setting.find("one.test", { ...IPV4, ipv6: true })).toEqual(["192.0.2.1", "2001:db8::1"]);
    expect(setting.find("one.test", { ...IPV4, ipv4: false, ipv6: true })).toEqual(["2001:db8::1"]);
    expect(setting.asked).toBe(3);
    setting.end();
  });

  test("to many at once are one question", () => {
    const setting = new Setting();
    setting.serve(0, setting.honest());
    const all = Array.from({ length: 50 }, () => setting.ask("one.test"));
    setting.pass(1000);
    for (const { found } of all) expect(found).toEqual([["192.0.2.1"]]);
    expect(setting.asked).toBe(1);
    setting.end();
  });

  test("of /etc/hosts come first, and again when the file has changed", () => {
    const setting = new Setting();
    const { tree } = setting.kernel.files;
    tree.file(
      "/etc/hosts",
      "# a comment\n127.0.0.1 localhost\n192.0.2.9\tOne.test alias.test # one\nnonsense here\n::1 localhost\n",
    );
    expect(setting.find("one.test")).toEqual(["192.0.2.9"]);
    expect(setting.find("localhost", { ...IPV4, ipv6: true })).toEqual(["127.0.0.1", "::1"]);
    setting.pass(1500);
    tree.file("/etc/hosts", "192.0.2.10 one.test\n192.0.2.11 one.test\n");
    const firsts = [1, 2, 3, 4].map(() => (setting.find("one.test") as string[]).join(" "));
    expect(firsts.toSorted()).toEqual([
      ...Array(2).fill("192.0.2.10 192.0.2.11"), // another one comes first each time
      ...Array(2).fill("192.0.2.11 192.0.2.10"),
    ]);
    setting.end();
  });
});

describe("errors", () => {
  test("a loop of aliases and an alias of itself end: no such host", () => {
    const setting = new Setting();
    setting.serve(0, setting.honest());
    expect(setting.find("loop.test")).toBe(3);
    expect(setting.find("endless.test")).toBe(3);
    setting.end();
  });

  test("what can be no name is not asked for", () => {
    const setting = new Setting();
    setting.serve(0, setting.honest());
    for (const name of [
      "",
      ".",
      "a..b",
      "a b",
      `${"a".repeat(64)}.test`,
      "ä.test",
      `${"a.".repeat(130)}test`,
      "a\0b",
    ]) {
      expect(setting.find(name)).toBe(3);
    }
    expect(setting.asked).toBe(0);
    setting.end();
  });

  test("silence: every 5 s another server is asked, until resolver_timeout", () => {
    const setting = new Setting();
    const at: number[][] = [[], [], []];
    for (const i of [0, 1, 2]) setting.serve(i, () => void at[i]!.push(setting.kernel.clock.now));
    const settings = { ...IPV4, servers: SERVERS };
    const began = setting.kernel.clock.now;
    expect(setting.find("one.test", settings, 29_000)).toBe(110);
    expect(setting.kernel.clock.now - began).toBeLessThan(29_300);
    expect(at.map(({ length }) => length)).toEqual([2, 2, 2]);
    expect(at[1]![0]! - at[0]![0]!).toBeGreaterThan(4_900);
    setting.end();
  });

  test("a server that refuses: the next is asked at once; its error is told when all refuse", () => {
    const setting = new Setting();
    setting.serve(0, setting.honest({}, 5));
    setting.serve(1, setting.honest());
    const settings = { ...IPV4, servers: SERVERS.slice(0, 2) };
    const { found } = setting.ask("one.test", settings);
    setting.pass(500);
    expect(found).toEqual([["192.0.2.1"]]);
    expect(setting.find("one.test")).toBe(5);
    setting.end();
  });

  test("no descriptor is left: server failure, and the next question may succeed", () => {
    const setting = new Setting();
    setting.serve(0, setting.honest());
    setting.kernel.descriptors.limit = 4;
    expect(setting.find("one.test")).toBe(2);
    setting.kernel.descriptors.limit = 1024;
    setting.pass(3000);
    expect(setting.find("one.test")).toEqual(["192.0.2.1"]);
    setting.end();
  });

  test("who does not wait any more is not told, and the last who leaves ends the question", () => {
    const setting = new Setting();
    setting.serve(0, () => {});
    const [one, two] = [setting.ask("one.test"), setting.ask("one.test")];
    one.cancel();
    one.cancel();
    setting.pass(100);
    expect([...setting.reactor.descriptors()].length).toBe(2);
    two.cancel();
    setting.pass(60_000);
    expect([one.found, two.found]).toEqual([[], []]);
    setting.end();
  });

  test("a caller that throws costs nobody else the answer", () => {
    const setting = new Setting();
    setting.serve(0, setting.honest());
    const thrown: unknown[] = [];
    setting.reactor.onError = (error) => void thrown.push(error);
    setting.resolver.resolve("one.test", 80, IPV4, 1000, () => {
      throw new Error("a bug");
    });
    const { found } = setting.ask("one.test");
    setting.pass(500);
    expect([thrown.length, found]).toEqual([1, [["192.0.2.1"]]]);
    setting.end();
  });

  test("thousands of names at once take few descriptors, and each gets its answer", () => {
    const setting = new Setting();
    setting.serve(0, setting.honest());
    const all = Array.from({ length: 3000 }, (_, i) => setting.ask(`name${i}.test`));
    setting.pass(1);
    expect([...setting.reactor.descriptors()].length).toBeLessThan(200);
    setting.pass(10_000);
    expect(all.every(({ found }) => found.length === 1 && found[0] === 3)).toBe(true);
    setting.end();
  });
});

describe("a reply that was cut", () => {
  test.each(["whole", "pieces"] as const)("comes by TCP: %s", (manner) => {
    const setting = new Setting();
    setting.serve(0, setting.honest());
    setting.serveStreams(0, "accepts", manner);
    expect(setting.find("large.test")).toEqual(["192.0.2.3"]);
    setting.end();
  });

  test.each([
    ["refuses", "whole", 0, 1000],
    ["accepts", "cut", 0, 1000],
    ["hangs", "whole", 5000, 7000],
    ["accepts", "silent", 5000, 7000],
    ["accepts", "garbage", 5000, 7000],
  ] as const)("%s, %s: the next server is asked", (outcome, manner, after, before) => {
    const setting = new Setting();
    for (const i of [0, 1]) setting.serve(i, setting.honest());
    setting.serveStreams(0, outcome, manner);
    setting.serveStreams(1, "accepts");
    const began = setting.kernel.clock.now;
    expect(setting.find("large.test", { ...IPV4, servers: SERVERS.slice(0, 2) })).toEqual(["192.0.2.3"]);
    const took = setting.kernel.clock.now - began;
    expect([took >= after, took <= before]).toEqual([true, true]);
    setting.end();
  });
});

describe("hostile answers", () => {
  test("that do not fit the question are ignored: id, name, type, class, a question among answers", () => {
    const setting = new Setting();
    const forged = [a("one.test", "203.0.113.66", 1_000_000)];
    setting.serve(0, (query, reply) => {
      const { id = 0, questions = [] } = decode(query);
      const fake = (change: object) =>
        encode({ type: "response", id, flags: 0, questions, answers: forged, ...change });
      for (let other = 0; other < 65_536; other += 97) if (other !== id) reply(fake({ id: other }));
      reply(fake({ questions: [{ name: "two.test", type: "A", class: "IN" }] }));
      reply(fake({ questions: [{ name: "one.test", type: "AAAA", class: "IN" }] }));
      reply(fake({ questions: [{ name: "one.test", type: "A", class: "CH" }] }));
      reply(fake({ questions: [] }));
      reply(fake({ questions: [...questions, ...questions] }));
      reply(fake({ type: "query" }));
      setting.kernel.clock.after(100, () => reply(answer(query, ZONE, false)));
    });
    expect(setting.find("one.test")).toEqual(["192.0.2.1"]);
    setting.end();
  });

  test("records of other names and classes do not count", () => {
    const setting = new Setting();
    const records = [a("other.test", "203.0.113.1"), { ...a("name.test", "203.0.113.2"), class: "CH" as const }];
    setting.serve(0, setting.honest({ "name.test": { records } }));
    expect(setting.find("name.test")).toBe(3);
    expect(setting.find("other.test")).toBe(3);
    setting.end();
  });

  test("malformed: any octets changed or cut off never throw, and never give an address that was not sent", () => {
    for (let seed = 1; seed <= 60; seed++) {
      const setting = new Setting(seed);
      const { random } = setting.kernel;
      setting.serve(0, (query, reply) => {
        for (let i = 0; i < 20; i++) {
          const bytes = answer(query, { "one.test": ZONE["chain.test"]! }, false);
          for (let changes = random.between(1, 4); changes > 0; changes--) {
            bytes[random.between(2, bytes.length - 1)] = random.between(0, 255);
          }
          reply(bytes.subarray(0, random.between(0, bytes.length)));
        }
      });
      setting.ask("one.test", IPV4, 4000);
      setting.pass(5000);
      setting.end();
    }
  });
});

test("whatever is lost, doubled or refused, each question ends once, and nothing stays open", () => {
  const faults: Fault[] = [
    "lost datagram",
    "doubled datagram",
    "EAGAIN",
    "EINTR",
    "short recv",
    "ECONNRESET",
    "EMFILE",
    "ENFILE",
  ];
  for (const seed of seedsOf("resolver", 200)) {
    const setting = new Setting(seed, faults);
    setting.kernel.faults.active = true;
    const { random } = setting.kernel;
    for (const i of [0, 1, 2])
      if (random.chance(0.7)) setting.serve(i, setting.honest(ZONE, random.pick([3, 3, 2, 5])));
    for (const i of [0, 1, 2]) {
      const manner = random.pick(["whole", "pieces", "cut", "silent", "garbage"] as const);
      setting.serveStreams(i, random.pick(["accepts", "refuses", "hangs"] as const), manner);
    }
    const settings = { ...IPV4, servers: SERVERS, ipv6: random.chance(0.5) };
    const names = [...Object.keys(ZONE), "missing.test"];
    const all: { found: Found[]; cancel: () => void; name: string; left: boolean }[] = [];
    for (let i = 0; i < 30; i++) {
      const name = random.pick(names);
      const question = { ...setting.ask(name, settings, random.between(1000, 30_000)), name, left: false };
      all.push(question);
      if (random.chance(0.1)) {
        question.left = question.found.length === 0;
        question.cancel();
      }
      setting.pass(random.between(0, 2000));
    }
    setting.pass(31_000);
    for (const { found, left } of all) expect(found.length).toBe(left ? 0 : 1);
    const good = ["192.0.2.1", "192.0.2.2", "192.0.2.3", "2001:db8::1"];
    for (const { found } of all) if (Array.isArray(found[0])) for (const one of found[0]) expect(good).toContain(one);
    setting.end();
  }
});
