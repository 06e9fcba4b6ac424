/** The active checks of a group, one for each of its peers. They run while the group belongs to the current configuration. */
import type { UpstreamConfig } from "../../../config/gateway.ts";
import type { Peer } from "../peer.ts";
import { type CheckServices, PeerCheck } from "./check.ts";

export class HealthChecks {
  private readonly checks = new Map<Peer, PeerCheck>();
  private running = false;

  constructor(
    private readonly config: UpstreamConfig,
    private readonly services: CheckServices,
    private readonly chance: () => number,
  ) {}

  start(): void {
    this.running = true;
    for (const check of this.checks.values()) check.start();
  }

  stop(): void {
    this.running = false;
    for (const check of this.checks.values()) check.stop();
  }

  /** Checks these peers from now on; `down` are those that nobody asks. */
  setPeers(peers: readonly Peer[]): void {
    const { health, name } = this.config;
    if (health === null) return;
    for (const [peer, check] of this.checks) {
      if (peers.includes(peer)) continue;
      check.stop();
      this.checks.delete(peer);
    }
    for (const peer of peers) {
      if (peer.server.down || this.checks.has(peer)) continue;
      const check = new PeerCheck(peer, health, name, this.services, this.chance);
      this.checks.set(peer, check);
      if (this.running) check.start();
      else if (health.mandatory) peer.unhealthy = true;
    }
  }
}
