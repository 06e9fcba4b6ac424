/**
 * Names to addresses while the server runs (`resolver`): an asynchronous client of DNS on the reactor. /etc/hosts comes first, then
 * what is remembered, then the servers. Questions for the same name at the same time are one.
 */
import { parseAddress, type SocketAddress } from "../../../ffi/inet.ts";
import type { Kernel } from "../../../ffi/kernel.ts";
import { Block } from "../../../ffi/memory.ts";
import type { Reactor } from "../reactor.ts";
import { Alarm } from "../timers.ts";
import { AnswerCache, type Outcome } from "./cache.ts";
import { channelMemory, type Wires } from "./channel.ts";
import { Hosts } from "./hosts.ts";
import { Lookup } from "./lookup.ts";
import { type AddressType, CODE, hostName } from "./message.ts";

/** `resolver` and `resolver_timeout`. */
interface ResolverSettings {
  readonly servers: readonly SocketAddress[];
  /** How long answers count, ms; null: as long as they say. */
  readonly valid: number | null;
  /** Whether IPv4 and IPv6 addresses are asked for. */
  readonly ipv4: boolean;
  readonly ipv6: boolean;
}

/** Why a name has no addresses, as nginx words it: `${name} could not be resolved (${code}: ${text})`. */
interface ResolveError {
  readonly code: number;
  readonly text: string;
}

/** Called once: the addresses, at least one, IPv4 first; another order each time. */
type Resolved = (result: readonly SocketAddress[] | ResolveError) => void;

/** nginx's words (ngx_resolver_strerror). */
const TEXTS: Readonly<Record<number, string>> = {
  [CODE.format]: "Format error",
  [CODE.failure]: "Server failure",
  [CODE.noName]: "Host not found",
  [CODE.notImplemented]: "Unimplemented",
  [CODE.refused]: "Operation refused",
  110: "Operation timed out",
};
const TIMED_OUT = 110;

/** How long it is remembered that a name has no addresses, ms. */
const NEGATIVE = 2000;
/** Answers with a shorter TTL count this long, ms: a TTL of 0 must not make each request a question. */
const SHORTEST = 1000;
/** Most look-ups at once: each has a descriptor or two. More wait for their turn. */
const MOST_LOOKUPS = 128;

/** Someone who waits for a name. */
interface Waiter {
  readonly port: number;
  readonly resolved: Resolved;
  readonly alarm: Alarm;
}

/** A name that is being looked up, or waits to be. */
interface Job {
  readonly key: string;
  readonly waiters: Set<Waiter>;
  readonly lookup: Lookup;
}

export class Resolver {
  private readonly cache = new AnswerCache();
  private readonly hosts: Hosts;
  private readonly wires: Wires;
  private readonly jobs = new Map<string, Job>();
  /** Those of `jobs` that have not started. */
  private readonly queued = new Set<Job>();
  private readonly keys = new WeakMap<ResolverSettings, string>();
  private readonly random = new Block(2);
  /** Grows with each look-up and with each answer given: another server, and another address, comes first each time. */
  private turn = 0;

  constructor(kernel: Kernel, reactor: Reactor) {
    this.wires = { kernel, reactor, scratch: channelMemory() };
    this.hosts = new Hosts(kernel);
  }

  /**
   * Looks up a name.
   * @param timeout ms; when they have passed, `resolved` gets an error (110)
   * @param resolved may be called before this returns: for a numeric address, and where the answer is known
   * @returns cancels the question: `resolved` is not called any more
   */
  resolve(name: string, port: number, settings: ResolverSettings, timeout: number, resolved: Resolved): () => void {
    const host = hostName(name);
    const known = this.known(name, host, settings);
    if (known === undefined) return this.wait(host!, port, settings, timeout, resolved);
    this.give(known, port, resolved);
    return () => {};
  }

  /** Closes every descriptor. Who waits is not told. */
  close(): void {
    for (const { waiters } of [...this.jobs.values()]) for (const waiter of [...waiters]) this.stop(waiter);
    for (const job of [...this.jobs.values()]) this.end(job);
  }

  /** What can be told without asking. */
  private known(name: string, host: string | null, settings: ResolverSettings): Outcome | undefined {
    if (parseAddress(name) !== null) return { addresses: [name] };
    if (host === null) return { code: CODE.noName };
    const { now } = this.wires.reactor;
    const local = this.hosts.addresses(host, now).filter((address) => isWanted(address, settings));
    return local.length > 0 ? { addresses: local } : this.cache.get(this.keyOf(host, settings), now);
  }

  private wait(
    host: string,
    port: number,
    settings: ResolverSettings,
    timeout: number,
    resolved: Resolved,
  ): () => void {
    const { reactor } = this.wires;
    const key = this.keyOf(host, settings);
    const job = this.jobs.get(key) ?? this.begin(key, host, settings);
    const waiter: Waiter = { port, resolved, alarm: new Alarm(() => this.expire(job, waiter)) };
    job.waiters.add(waiter);
    reactor.timers.start(waiter.alarm, timeout, reactor.now);
    this.startQueued();
    return () => this.leave(job, waiter);
  }

  private begin(key: string, host: string, settings: ResolverSettings): Job {
    const types: AddressType[] = [];
    if (settings.ipv4) types.push("A");
    if (settings.ipv6) types.push("AAAA");
    const finished = (outcome: Outcome, ttl: number) => this.finish(job, outcome, lifetime(outcome, ttl, settings));
    const id = () => this.randomId();
    const lookup = new Lookup(this.wires, host, types, settings.servers, this.turn++, id, finished);
    const job: Job = { key, waiters: new Set(), lookup };
    this.jobs.set(key, job);
    this.queued.add(job);
    return job;
  }

  private startQueued(): void {
    for (const job of this.queued) {
      if (this.jobs.size - this.queued.size >= MOST_LOOKUPS) return;
      this.queued.delete(job);
      job.lookup.start();
    }
  }

  private finish(job: Job, outcome: Outcome, lasts: number): void {
    const { reactor } = this.wires;
    this.cache.set(job.key, outcome, reactor.now + lasts);
    const waiters = [...job.waiters];
    this.end(job);
    for (const waiter of waiters) {
      this.stop(waiter);
      try {
        this.give(outcome, waiter.port, waiter.resolved);
      } catch (error) {
        reactor.onError(error); // the others still get their answer
      }
    }
    this.startQueued();
  }

  /** `resolver_timeout` has passed. */
  private expire(job: Job, waiter: Waiter): void {
    this.leave(job, waiter);
    this.give({ code: TIMED_OUT }, waiter.port, waiter.resolved);
  }

  private leave(job: Job, waiter: Waiter): void {
    if (!job.waiters.delete(waiter)) return;
    this.stop(waiter);
    if (job.waiters.size > 0) return;
    this.end(job);
    this.startQueued();
  }

  private stop({ alarm }: Waiter): void {
    this.wires.reactor.timers.stop(alarm);
  }

  private end(job: Job): void {
    job.waiters.clear();
    job.lookup.cancel();
    this.queued.delete(job);
    this.jobs.delete(job.key);
  }

  private give(outcome: Outcome, port: number, resolved: Resolved): void {
    if ("code" in outcome) return resolved({ code: outcome.code, text: TEXTS[outcome.code] ?? "Unknown error" });
    const hosts = outcome.addresses;
    const [ipv4, ipv6] = [hosts.filter((host) => !isIPv6(host)), hosts.filter(isIPv6)];
    this.turn++;
    resolved([
      ...this.rotated(ipv4).map((host) => ({ family: "ipv4", host, port }) as const),
      ...this.rotated(ipv6).map((host) => ({ family: "ipv6", host, port }) as const),
    ]);
  }

  /** Another address comes first each time, so that requests spread over all (nginx takes a random one). */
  private rotated(hosts: readonly string[]): readonly string[] {
    const first = hosts.length > 1 ? this.turn % hosts.length : 0;
    return first === 0 ? hosts : [...hosts.slice(first), ...hosts.slice(0, first)];
  }

  private keyOf(host: string, settings: ResolverSettings): string {
    let key = this.keys.get(settings);
    if (key === undefined) this.keys.set(settings, (key = JSON.stringify(settings)));
    return `${host} ${key}`;
  }

  /** 16 bits that nobody can guess: an id that can be guessed lets others answer. */
  private randomId(): number {
    const n = this.wires.kernel.getrandom(this.random, 0, 2);
    if (n !== 2) throw new Error(`getrandom() failed (${n})`);
    return this.random.bytes.readUInt16LE(0);
  }
}

const isIPv6 = (address: string): boolean => address.includes(":");
const isWanted = (address: string, { ipv4, ipv6 }: ResolverSettings): boolean => (isIPv6(address) ? ipv6 : ipv4);

/** ms that an outcome is remembered. */
function lifetime(outcome: Outcome, ttl: number, { valid }: ResolverSettings): number {
  return "code" in outcome ? NEGATIVE : (valid ?? Math.max(SHORTEST, ttl * 1000));
}
