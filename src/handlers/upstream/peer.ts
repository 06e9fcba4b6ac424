/**
 * One address of a server in a group: its parameters, and what attempts have shown of it. The passive health is nginx's
 * (ngx_http_upstream_round_robin.c): after `max_fails` failures the peer is left out for `fail_timeout`; then one request tries it,
 * and a success makes it live again.
 */
import type { SocketAddress } from "../../../ffi/inet.ts";
import type { UpstreamServer } from "../../config/gateway.ts";
import type { PeerName } from "./upstream.ts";

export class Peer implements PeerName {
  readonly name: string;
  readonly weight: number;
  /** Equal for equal addresses. */
  readonly key: string;
  /** Attempts in progress. */
  conns = 0;
  /** Failures since the last success. */
  fails = 0;
  /** For smooth weighted round robin. */
  currentWeight = 0;
  /** Active checks have found it unfit, or a mandatory first check has not been passed. */
  unhealthy = false;
  /** Its name no longer leads to it: attempts in progress go on, and their connections are not kept. */
  gone = false;
  /** The weight, lowered by failures; it recovers step by step. */
  private effectiveWeight: number;
  /** Time of the last failure. */
  private accessed = Number.NEGATIVE_INFINITY;
  /** Time of the last failure or, if later, of the attempt that tests whether it works again. */
  private checked = Number.NEGATIVE_INFINITY;
  /** When it became live again, for `slow_start`. */
  private liveSince = Number.NEGATIVE_INFINITY;

  constructor(
    readonly address: SocketAddress,
    readonly server: UpstreamServer,
  ) {
    this.name = addressText(address);
    this.key = JSON.stringify(address);
    this.weight = this.effectiveWeight = server.weight;
  }

  /** Whether it may be tried: not down, not unhealthy, below `max_conns`, and no longer punished for its failures. */
  isUsable(now: number): boolean {
    return this.isOpen() && (!this.hasFailed() || now - this.checked > this.server.failTimeout);
  }

  /** As `isUsable`, but whatever its failures: for a group of one. */
  isOpen(): boolean {
    const { down, maxConns } = this.server;
    return !down && !this.unhealthy && (maxConns === 0 || this.conns < maxConns);
  }

  private hasFailed(): boolean {
    const { maxFails } = this.server;
    return maxFails > 0 && this.fails >= maxFails;
  }

  /** A step of smooth weighted round robin: raises the current weight. Gives the amount. */
  raise(now: number): number {
    const amount = this.effectiveWeight * this.warmth(now);
    this.currentWeight += amount;
    if (this.effectiveWeight < this.weight) this.effectiveWeight++;
    return amount;
  }

  /** The share of its weight that it has: grows from 0 to 1 during `slow_start`. */
  warmth(now: number): number {
    const { slowStart } = this.server;
    return slowStart === 0 ? 1 : Math.min(1, (now - this.liveSince) / slowStart);
  }

  /** An attempt begins. */
  take(now: number): void {
    this.conns++;
    if (now - this.checked > this.server.failTimeout) this.checked = now;
  }

  /** An attempt has succeeded: live again, if it was the test after its failures. */
  succeeded(now: number): void {
    if (this.accessed >= this.checked) return;
    if (this.hasFailed()) this.liveSince = now;
    this.fails = 0;
  }

  /** An attempt has failed. Gives whether the peer is out of use now. */
  failed(now: number): boolean {
    const { maxFails } = this.server;
    this.fails++;
    this.accessed = this.checked = now;
    if (maxFails > 0) {
      this.effectiveWeight = Math.max(0, this.effectiveWeight - Math.trunc(this.weight / maxFails));
    }
    return this.hasFailed();
  }

  /** Active checks have found it fit again. */
  revive(now: number): void {
    this.unhealthy = false;
    this.fails = 0;
    this.liveSince = now;
  }
}

/** An address as $upstream_addr shows it. */
export function addressText(address: SocketAddress): string {
  if (address.family === "unix") return `unix:${address.path}`;
  return address.family === "ipv6" ? `[${address.host}]:${address.port}` : `${address.host}:${address.port}`;
}
