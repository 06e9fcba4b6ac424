/** The peers that one request tries. */
import type { Exchange } from "../../exchange/exchange.ts";
import type { Clock } from "../../exchange/services.ts";
import { AttemptRecord, type UpstreamFacts } from "../../exchange/upstream.ts";
import type { Transport } from "../../network/transport.ts";
import type { Balancer, Picker } from "./balancing/balancing.ts";
import type { KeptConnections, Link } from "./kept.ts";
import type { Peer } from "./peer.ts";
import type { Waiter, WaitingRequests } from "./queue.ts";
import type { Sticky } from "./sticky.ts";
import { type Attempt, type Choice, QUEUED } from "./upstream.ts";

/** What a choice uses of its group. */
export interface ChoiceHost {
  readonly name: string;
  readonly clock: Clock;
  readonly kept: KeptConnections;
  readonly queue: WaitingRequests;
  readonly queueLimits: { readonly length: number; readonly timeout: number } | null;
  /** The servers, and those of `backup`; null: there are none. A lookup of names replaces them. */
  readonly main: Balancer;
  readonly backup: Balancer | null;
  readonly sticky: Sticky | null;
  /** Peers that are not `down`, with those of `backup`. */
  readonly liveCount: number;
  /** There is one peer and no other: its failures do not count (nginx). */
  readonly isSingle: boolean;
}

const NONE_TRIED: readonly Peer[] = [];

class PeerAttempt implements Attempt {
  constructor(
    private readonly host: ChoiceHost,
    readonly peer: Peer,
    readonly record: AttemptRecord,
    /** null: to be connected. */
    private readonly link: Link | null,
  ) {}

  get kept(): Transport | null {
    return this.link?.transport ?? null;
  }

  tunnelEnded(): void {
    this.ended(true, null);
  }

  /** As `Choice.done`. */
  ended(ok: boolean, keep: Transport | null): boolean {
    const { host, peer } = this;
    peer.conns--;
    if (keep !== null) host.kept.keep(peer, this.linkOf(keep));
    host.queue.wake();
    if (host.isSingle) return false;
    if (!ok) return peer.failed(host.clock.now);
    peer.succeeded(host.clock.now);
    return false;
  }

  /** Its connection after the request, called once. */
  private linkOf(transport: Transport): Link {
    const { link } = this;
    if (link === null) return { transport, since: this.record.startedAt, requests: 1 };
    link.requests++;
    return link;
  }
}

export class PeerChoice implements Choice {
  tries = 0;
  private readonly facts: UpstreamFacts;
  private picker!: Picker;
  private backupPicker!: Picker | null;
  private tried = NONE_TRIED;
  /** The peer that the client's cookie names, until it is tried. */
  private preferred!: Peer | null;
  private waiter: Waiter | null = null;
  private waited = false;
  private readonly startedAt: number;

  constructor(
    private readonly host: ChoiceHost,
    /** Used before the first attempt only. */
    private readonly exchange: Exchange,
  ) {
    this.facts = exchange.upstream!;
    this.startedAt = host.clock.now;
    this.begin();
  }

  private begin(): void {
    const { host, exchange } = this;
    this.tries = host.liveCount;
    this.picker = host.main.picker(exchange);
    this.backupPicker = host.backup?.picker(exchange) ?? null;
    this.preferred = host.sticky?.named(exchange) ?? null;
  }

  next(ready: () => void): Attempt | typeof QUEUED | null {
    const { host } = this;
    const mayQueue = this.tried === NONE_TRIED && !this.waited;
    const peer = mayQueue && host.queue.length > 0 ? null : this.pick();
    if (peer !== null) return this.attempt(peer, host.kept.take(peer));
    if (mayQueue && this.enqueue(ready)) return QUEUED;
    Object.assign(this.record(host.name), { status: 502, responseTime: 0 });
    return null;
  }

  again(attempt: Attempt): Attempt {
    this.tries++; // `done` has counted the first one
    return this.attempt((attempt as PeerAttempt).peer, null);
  }

  accepted(attempt: Attempt, exchange: Exchange): void {
    const { sticky } = this.host;
    if (sticky !== null) exchange.addField("Set-Cookie", sticky.field((attempt as PeerAttempt).peer, exchange));
  }

  done(attempt: Attempt, ok: boolean, keep: Transport | null): boolean {
    if (this.tries > 0) this.tries--;
    if (this.host.isSingle) this.tries = 0;
    return (attempt as PeerAttempt).ended(ok, keep);
  }

  leave(): void {
    if (this.waiter !== null) this.host.queue.remove(this.waiter);
    this.waiter = null;
  }

  private pick(): Peer | null {
    const { now } = this.host.clock;
    const { preferred } = this;
    this.preferred = null;
    if (preferred?.isUsable(now)) return preferred;
    const peer = this.picker.pick(this.tried, now);
    if (peer !== null || this.backupPicker === null || this.picker === this.backupPicker) return peer;
    this.picker = this.backupPicker;
    return this.picker.pick(this.tried, now);
  }

  private attempt(peer: Peer, link: Link | null): Attempt {
    this.tried = this.tried === NONE_TRIED ? [peer] : [...this.tried, peer];
    peer.take(this.host.clock.now);
    return new PeerAttempt(this.host, peer, this.record(peer.name), link);
  }

  private record(name: string): AttemptRecord {
    const record = new AttemptRecord(name, this.host.clock.now);
    this.facts.attempts.push(record);
    return record;
  }

  private enqueue(ready: () => void): boolean {
    this.waiter = this.host.queue.add(this.host.queueLimits, () => {
      this.waiter = null;
      this.waited = true;
      this.facts.queueTime = this.host.clock.now - this.startedAt;
      this.begin(); // the peers may be others now
      ready();
    });
    return this.waiter !== null;
  }
}
