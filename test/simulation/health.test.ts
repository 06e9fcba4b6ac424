/** Active health checks on a simulated kernel: what they send, what they conclude, and that nothing is left open whatever the peer does. */
import { describe, expect, test } from "bun:test";
import { Block } from "../../ffi/memory.ts";
import type { UpstreamConfig } from "../../src/config/gateway.ts";
import { Group } from "../../src/handlers/upstream/group.ts";
import { encodeAddress } from "../../src/network/address.ts";
import { BufferPool } from "../../src/network/buffers.ts";
import { Reactor } from "../../src/network/reactor.ts";
import { Resolver } from "../../src/network/resolver/resolver.ts";
import { upstream } from "../unit/handlers/upstream/world.ts";
import type { Connection } from "./connection.ts";
import type { Fault } from "./faults.ts";
import { SimulatedKernel } from "./kernel.ts";
import type { RemotePeer } from "./listener.ts";
import { seedsOf } from "./world.ts";

type Health = NonNullable<UpstreamConfig["health"]>;

const HEALTH: Health = {
  interval: 5000,
  jitter: 0,
  fails: 2,
  passes: 2,
  uri: "/health?x",
  port: null,
  mandatory: false,
  family: "proxy",
  connectTimeout: 3000,
  readTimeout: 4000,
  position: { file: "x.conf", line: 1, column: 1 },
};

const OK = "HTTP/1.1 204 No Content\r\n\r\n";
const BROKEN = "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 3\r\n\r\nno\n";
const HOSTS = ["10.0.0.1", "10.0.0.2"];

/** What a server does: its reply (then it closes), or nothing; or it lets nobody connect. */
type Behaviour = { readonly reply: string } | "silent" | "closes" | "resets" | "refuses" | "hangs";

/** A server outside that is asked whether it is well. */
class Backend {
  asked = "";
  connections = 0;

  constructor(public behaviour: Behaviour = { reply: OK }) {}

  connect() {
    const { behaviour } = this;
    this.connections++;
    const outcome = behaviour === "refuses" || behaviour === "hangs" ? behaviour : "accepts";
    const options = { receiveBuffer: 65_536, sendBuffer: 65_536, latency: 1 };
    return { outcome, options, peer: new BackendPeer(this) } as const;
  }
}

class BackendPeer implements RemotePeer {
  connection: Connection | null = null;
  private request = "";

  constructor(private readonly backend: Backend) {}

  connected(): void {
    this.notified();
  }

  notified(): void {
    const connection = this.connection!;
    this.request += connection.peerTake(4096).toString("latin1");
    const { behaviour } = this.backend;
    if (behaviour === "closes") connection.peerFinish();
    if (!this.request.endsWith("\r\n\r\n")) return;
    this.backend.asked = this.request;
    this.request = "";
    if (behaviour === "resets") connection.peerReset();
    if (typeof behaviour === "string") return;
    connection.peerSend(Buffer.from(behaviour.reply, "latin1"));
    connection.peerFinish();
  }
}

/** A group of two servers that are checked. */
class Setting {
  readonly kernel: SimulatedKernel;
  readonly reactor: Reactor;
  readonly backends = HOSTS.map(() => new Backend());
  readonly group: Group;
  readonly logged: string[] = [];
  private readonly atStart: number;

  constructor(health: Partial<Health> = {}, seed = 1, faults: readonly Fault[] = []) {
    this.kernel = new SimulatedKernel(seed, faults);
    this.atStart = this.kernel.descriptors.size;
    const reactor = new Reactor(this.kernel);
    this.reactor = reactor;
    for (const [i, host] of HOSTS.entries()) {
      const block = new Block(128);
      const length = encodeAddress({ family: "ipv4", host, port: health.port ?? 80 }, block);
      this.kernel.network.place(Buffer.from(block.bytes.subarray(0, length)), this.backends[i]!);
    }
    const services = {
      kernel: this.kernel,
      reactor,
      clock: {
        get now() {
          return reactor.now;
        },
        turn: 1,
        second: 0,
        date: "",
      },
      buffers: new BufferPool(),
      resolver: new Resolver(this.kernel, reactor),
      log: (level: string, message: string) => void this.logged.push(`${level}: ${message}`),
    };
    const config = upstream(HOSTS.join(", "), { health: { ...HEALTH, ...health } });
    this.group = new Group(config, services, () => this.kernel.clock.now);
  }

  /** Turns the loop for `ms` of virtual time. */
  pass(ms: number): void {
    for (const end = this.kernel.clock.now + ms; this.kernel.clock.now < end; ) {
      this.reactor.turn(Math.ceil(end - this.kernel.clock.now));
      if (this.kernel.misuse) throw this.kernel.misuse;
    }
  }

  /** Which of the two servers are used. */
  get usable(): boolean[] {
    return this.group.peers.map((peer) => peer.isUsable(this.reactor.now));
  }

  /** Ends; nothing may be open. */
  end(): void {
    this.kernel.faults.active = false;
    this.group.close();
    this.reactor.turn(0);
    expect([...this.reactor.descriptors()]).toHaveLength(1);
    this.reactor.dispose();
    expect(this.kernel.misuse).toBeNull();
    expect(this.kernel.descriptors.size).toBe(this.atStart);
  }
}

/** Runs it, and closes what it has. */
function scene(health: Partial<Health>, run: (setting: Setting) => void): void {
  const setting = new Setting(health);
  setting.group.start();
  run(setting);
  setting.end();
}

const where = (port = ""): string => `health check "" of peer 10.0.0.1:80 in upstream "backend"${port}`;

test("asks at once and then every interval, with the upstream's name as host", () => {
  scene({}, (setting) => {
    setting.pass(100);
    expect(setting.backends[0]!.asked).toBe("GET /health?x HTTP/1.0\r\nHost: backend\r\nConnection: close\r\n\r\n");
    setting.pass(20_000);
    expect(setting.backends.map(({ connections }) => connections)).toEqual([5, 5]);
    expect([setting.usable, setting.logged]).toEqual([[true, true], []]);
  });
});

describe("a server that", () => {
  test.each([
    ["replies with an error", { reply: BROKEN }, "checking status code", ""],
    [
      "refuses connections",
      "refuses",
      "connecting to upstream",
      "connect() failed (111: Connection refused) while connecting to upstream",
    ],
    [
      "cannot be reached",
      "hangs",
      "connecting to upstream",
      "upstream timed out (110: Connection timed out) while connecting to upstream",
    ],
    [
      "says nothing",
      "silent",
      "reading response header from upstream",
      "upstream timed out (110: Connection timed out) while reading response header from upstream",
    ],
    [
      "closes",
      "closes",
      "reading response header from upstream",
      "upstream prematurely closed connection while reading response header from upstream",
    ],
    [
      "resets",
      "resets",
      "reading response header from upstream",
      "recv() failed (104: Connection reset by peer) while reading response header from upstream",
    ],
    [
      "speaks something else",
      { reply: "SSH-2.0-x\r\n\r\n" },
      "reading response header from upstream",
      /upstream sent invalid header: .* while reading response header from upstream/,
    ],
  ] as [string, Behaviour, string, string | RegExp][])(
    "%s becomes unhealthy after `fails` checks, and healthy again after `passes`",
    (...row) => {
      const [, behaviour, doing, reason] = row;
      scene({}, (setting) => {
        setting.backends[0]!.behaviour = behaviour;
        setting.pass(4900);
        expect(setting.usable).toEqual([true, true]);
        setting.pass(10_000);
        expect(setting.usable).toEqual([false, true]);
        const errors = setting.logged.filter((line) => line.startsWith("error"));
        if (reason === "") expect(errors).toEqual([]);
        else expect(errors[0]).toMatch(typeof reason === "string" ? `error: ${reason}, ${where()}` : reason);
        expect(setting.logged).toContain(`warn: peer is unhealthy while ${doing}, ${where()}`);
        setting.backends[0]!.behaviour = { reply: OK };
        setting.pass(14_000);
        expect(setting.usable).toEqual([true, true]);
        expect(setting.logged.at(-1)).toBe(`notice: peer is healthy while checking status code, ${where()}`);
      });
    },
  );
});

test("one good check between bad ones, and the bad ones do not add up", () => {
  scene({}, (setting) => {
    for (let i = 0; i < 6; i++) {
      setting.backends[0]!.behaviour = { reply: i % 2 === 0 ? BROKEN : OK };
      setting.pass(5000);
    }
    expect(setting.usable).toEqual([true, true]);
  });
});

test("port: another port is asked", () => {
  scene({ port: 8081 }, (setting) => {
    setting.backends[0]!.behaviour = { reply: BROKEN };
    setting.pass(6000);
    expect(setting.logged).toEqual([`warn: peer is unhealthy while checking status code, ${where(", port 8081")}`]);
  });
});

test("mandatory: nobody is used before the first check, which alone decides", () => {
  const setting = new Setting({ mandatory: true });
  setting.backends[1]!.behaviour = "refuses";
  expect(setting.usable).toEqual([false, false]);
  setting.group.start();
  setting.pass(100);
  expect(setting.usable).toEqual([true, false]);
  setting.end();
});

test("FastCGI and the others: that they accept connections is the check", () => {
  scene({ family: "fastcgi" }, (setting) => {
    setting.backends[0]!.behaviour = "refuses";
    setting.backends[1]!.behaviour = "silent";
    setting.pass(6000);
    expect([setting.usable, setting.backends[1]!.asked]).toEqual([[false, true], ""]);
  });
});

test("jitter spreads the checks", () => {
  scene({ jitter: 4000 }, (setting) => {
    setting.pass(100_000);
    for (const { connections } of setting.backends) expect(connections).toBeWithin(11, 20);
  });
});

test("a group that is not in use any more asks no more, and what it knew stays", () => {
  scene({}, (setting) => {
    setting.backends[0]!.behaviour = "refuses";
    setting.pass(6000);
    setting.group.stop();
    const before = setting.backends.map(({ connections }) => connections);
    setting.pass(20_000);
    expect(setting.backends.map(({ connections }) => connections)).toEqual(before);
    expect(setting.usable).toEqual([false, true]);
  });
});

test("whatever fails, nothing is left open and the checks go on", () => {
  const behaviours: Behaviour[] = [{ reply: OK }, { reply: BROKEN }, "silent", "closes", "resets", "refuses", "hangs"];
  const faults: readonly Fault[] = ["EMFILE", "ECONNRESET", "EPIPE", "EINTR", "short recv", "short send"];
  for (const seed of seedsOf("health checks", 100)) {
    const setting = new Setting({ jitter: 2000 }, seed, faults);
    setting.kernel.faults.active = true;
    setting.group.start();
    for (let i = 0; i < 20; i++) {
      for (const backend of setting.backends) backend.behaviour = behaviours[setting.kernel.random.between(0, 6)]!;
      setting.pass(setting.kernel.random.between(100, 9000));
    }
    setting.kernel.faults.active = false;
    for (const backend of setting.backends) backend.behaviour = { reply: OK };
    setting.pass(40_000);
    expect(setting.usable).toEqual([true, true]);
    setting.end();
  }
});
