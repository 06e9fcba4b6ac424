/** One group of servers: its peers, how they are chosen, and the idle connections to them. */
import type { UpstreamConfig } from "../../config/gateway.ts";
import type { Exchange } from "../../exchange/exchange.ts";
import type { Services } from "../../exchange/services.ts";
import { evaluateOctets } from "../../exchange/templates.ts";
import type { Balancer, Picker } from "./balancing/balancing.ts";
import { IpHash } from "./balancing/ip-hash.ts";
import { Ketama } from "./balancing/ketama.ts";
import { KeyHash } from "./balancing/key-hash.ts";
import { LeastConn } from "./balancing/least-conn.ts";
import { RandomChoice } from "./balancing/random.ts";
import { OnlyPeer, RoundRobin } from "./balancing/round-robin.ts";
import { type ChoiceHost, PeerChoice } from "./choice.ts";
import type { CheckServices } from "./health/check.ts";
import { HealthChecks } from "./health/checks.ts";
import { KeptConnections } from "./kept.ts";
import { ServerNames } from "./names.ts";
import { Peer } from "./peer.ts";
import { WaitingRequests } from "./queue.ts";
import { Sticky } from "./sticky.ts";
import type { Choice, UpstreamGroup } from "./upstream.ts";

/** What groups use of their server. */
type GroupServices = Pick<Services, "clock" | "reactor" | "resolver" | "log"> & CheckServices;

/** Requests that wait for the first answer about a name, most. */
const MOST_WAITING_FOR_NAMES = 1024;

export class Group implements UpstreamGroup, ChoiceHost {
  readonly name: string;
  readonly kept: KeptConnections;
  readonly queue: WaitingRequests;
  peers: readonly Peer[] = [];
  main: Balancer = new RoundRobin([]);
  backup: Balancer | null = null;
  sticky: Sticky | null = null;
  liveCount = 0;
  isSingle = false;
  private readonly names: ServerNames;
  private readonly checks: HealthChecks;

  /** @param chance for `random`: gives whole numbers from 0 to 2^32 - 1 */
  constructor(
    readonly config: UpstreamConfig,
    private readonly services: GroupServices,
    private readonly chance: () => number,
  ) {
    this.name = config.name;
    this.kept = new KeptConnections(config, services);
    this.names = new ServerNames(config, services, () => this.update());
    this.checks = new HealthChecks(config, services, chance);
    this.queue = new WaitingRequests(services.reactor, () => this.isFree());
    this.update();
  }

  get clock(): Services["clock"] {
    return this.services.clock;
  }

  choose(exchange: Exchange): Choice {
    return new PeerChoice(this, exchange);
  }

  /** Called when the group belongs to the configuration in use, for what goes on without requests: look-ups of names, health checks. */
  start(): void {
    this.names.start();
    this.checks.start();
  }

  /** The configuration in use has the group no longer. Requests in progress may still choose. */
  stop(): void {
    this.names.stop();
    this.checks.stop();
  }

  /** The queue for requests that nobody can take now; null: they fail. While the first answer about a name is awaited there is always one. */
  get queueLimits(): { readonly length: number; readonly timeout: number } | null {
    const { queue, resolverTimeout } = this.config;
    return queue ?? (this.names.pending ? { length: MOST_WAITING_FOR_NAMES, timeout: resolverTimeout } : null);
  }

  /** Closes the idle connections and keeps no more; attempts in progress go on. */
  close(): void {
    this.stop();
    this.kept.close();
  }

  private isFree(): boolean {
    const { now } = this.clock;
    return this.peers.some((peer) => (this.isSingle ? peer.isOpen() : peer.isUsable(now)));
  }

  /** Makes peers of all addresses; those that were there stay, with what is known of them. */
  private update(): void {
    const before = this.peers;
    const peers = this.config.servers.flatMap((server) =>
      this.names.addresses(server).map((address) => {
        const key = JSON.stringify(address);
        return before.find((peer) => peer.server === server && peer.key === key) ?? new Peer(address, server);
      }),
    );
    for (const peer of before.filter((one) => !peers.includes(one))) {
      peer.gone = true;
      this.kept.closeOf(peer);
    }
    this.setPeers(peers);
    this.checks.setPeers(peers);
    this.queue.wake();
  }

  private setPeers(peers: readonly Peer[]): void {
    const main = peers.filter(({ server }) => !server.backup);
    const backup = peers.filter(({ server }) => server.backup);
    this.peers = peers;
    this.isSingle = peers.length === 1 && main.length === 1;
    this.liveCount = peers.filter(({ server }) => !server.down).length;
    this.main = this.isSingle ? new OnlyPeer(main[0]!) : this.balancer(main);
    this.backup = backup.length > 0 ? this.simpleBalancer(backup) : null;
    this.sticky = this.config.sticky === null ? null : new Sticky(this.config.sticky, peers);
  }

  /** As the group is configured. Hashes and chance need two peers at least (nginx). */
  private balancer(peers: readonly Peer[]): Balancer {
    const { balancing } = this.config;
    const simple = this.simpleBalancer(peers);
    if (peers.length < 2) return simple;
    switch (balancing.kind) {
      case "ip_hash":
        return new IpHash(peers, simple);
      case "hash": {
        const key = (exchange: Exchange): string => evaluateOctets(balancing.key, exchange);
        return balancing.consistent ? new Ketama(peers, key, simple) : new KeyHash(peers, key, simple);
      }
      case "random":
        return new RandomChoice(peers, balancing.two, this.chance, simple);
      default:
        return simple;
    }
  }

  private simpleBalancer(peers: readonly Peer[]): Balancer & Picker {
    return this.config.balancing.kind === "least_conn" ? new LeastConn(peers) : new RoundRobin(peers);
  }
}
