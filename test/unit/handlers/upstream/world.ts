/** A group of servers for tests, without a server: requests are begun and ended by hand, and time passes when told. */
import { resolve } from "node:path";
import type { UpstreamConfig, UpstreamServer } from "../../../../src/config/gateway.ts";
import type { Settings } from "../../../../src/config/model.ts";
import type { Position } from "../../../../src/config/parts.ts";
import { UpstreamFacts } from "../../../../src/exchange/upstream.ts";
import { Group } from "../../../../src/handlers/upstream/group.ts";
import { type Attempt, type Choice, QUEUED } from "../../../../src/handlers/upstream/upstream.ts";
import type { Transport } from "../../../../src/network/transport.ts";
import { FakeExchange, FakeServices, location, type RequestLike } from "../world.ts";

const POSITION: Position = { file: resolve("x.conf"), line: 1, column: 1 };

/**
 * Servers as in a file: `a weight=5, b backup, c max_conns=2`. The name is the host, the port is always 80, and a name with a `+`
 * has several addresses. Times are ms.
 */
export function servers(text: string): UpstreamServer[] {
  return text.split(/, */).map((line) => {
    const [names, ...words] = line.split(" ");
    const value = (word: string): number | undefined => {
      const found = words.find((each) => each.startsWith(`${word}=`));
      return found === undefined ? undefined : Number(found.slice(word.length + 1));
    };
    return {
      name: `${names}:80`,
      addresses: names!.split("+").map((host) => ({ family: "ipv4" as const, host, port: 80 })),
      resolve: null,
      weight: value("weight") ?? 1,
      maxFails: value("max_fails") ?? 1,
      failTimeout: value("fail_timeout") ?? 10_000,
      backup: words.includes("backup"),
      down: words.includes("down"),
      maxConns: value("max_conns") ?? 0,
      slowStart: value("slow_start") ?? 0,
      position: POSITION,
    };
  });
}

/** The configuration of a group, with nginx's defaults. */
export const upstream = (text: string, changes: Partial<UpstreamConfig> = {}): UpstreamConfig => ({
  name: "backend",
  servers: servers(text),
  balancing: { kind: "round_robin" },
  keepalive: 0,
  keepaliveRequests: 1000,
  keepaliveTime: 3_600_000,
  keepaliveTimeout: 60_000,
  sticky: null,
  queue: null,
  health: null,
  resolver: null,
  resolverTimeout: 30_000,
  position: POSITION,
  ...changes,
});

export class World {
  readonly services = new FakeServices();
  readonly group: Group;

  constructor(text: string, changes: Partial<UpstreamConfig> = {}, chance: () => number = () => 0) {
    this.group = new Group(upstream(text, changes), this.services, chance);
  }

  /** Begins a request. */
  request(like: RequestLike = {}): Request {
    return new Request(this, new FakeExchange(this.services, location({} as Partial<Settings>), like));
  }

  /** The hosts that so many requests go to, each ended at once, without their addresses. */
  sequence(count: number, like: RequestLike = {}): string {
    return Array.from({ length: count }, () => this.request(like).one()).join("");
  }

  /** Lets ms pass, with the timers that are due. */
  pass(ms: number): void {
    const { clock, reactor } = this.services;
    clock.now += ms;
    clock.second = Math.floor(clock.now / 1000);
    reactor.now = clock.now;
    reactor.timers.fire(clock.now);
    this.services.turn();
  }
}

/** One request and its attempts. */
export class Request {
  readonly choice: Choice;
  /** How often it was told to try again after waiting. */
  ready = 0;

  constructor(
    readonly world: World,
    readonly exchange: FakeExchange,
  ) {
    exchange.upstream ??= new UpstreamFacts();
    exchange.upstream.begin();
    this.choice = world.group.choose(exchange);
  }

  /** The next attempt; throws if there is none. */
  next(): Attempt {
    const attempt = this.choice.next(() => this.ready++);
    if (attempt === null || attempt === QUEUED) throw new Error(attempt === null ? "no live upstreams" : "queued");
    return attempt;
  }

  /** Whether there is an attempt, the request waits or nobody is left. */
  state(): "queued" | "none" | Attempt {
    const attempt = this.choice.next(() => this.ready++);
    return attempt === QUEUED ? "queued" : (attempt ?? "none");
  }

  /** An attempt that ends at once. The host's name; "-": there was none. */
  one(ok = true, keep: Transport | null = null): string {
    const attempt = this.choice.next(() => this.ready++);
    if (attempt === null || attempt === QUEUED) return "-";
    this.choice.done(attempt, ok, keep);
    return hostOf(attempt);
  }
}

/** The host of an attempt's address. */
export const hostOf = ({ peer }: Attempt): string => peer.name.replace(/:80$/, "");
