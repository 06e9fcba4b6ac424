/** `least_conn`: the fewest connections for its weight; among equals round robin (ngx_http_upstream_least_conn_module.c). */
import type { Peer } from "../peer.ts";
import { type Balancer, isCandidate, type Picker } from "./balancing.ts";
import { RoundRobin } from "./round-robin.ts";

export class LeastConn implements Balancer, Picker {
  constructor(private readonly peers: readonly Peer[]) {}

  picker(): Picker {
    return this;
  }

  pick(tried: readonly Peer[], now: number): Peer | null {
    let least: Peer[] = [];
    for (const peer of this.peers) {
      if (!isCandidate(peer, tried, now)) continue;
      const order = least.length === 0 ? -1 : compareLoad(peer, least[0]!, now);
      if (order < 0) least = [peer];
      else if (order === 0) least.push(peer);
    }
    return least.length > 1 ? new RoundRobin(least).pick(tried, now) : (least[0] ?? null);
  }
}

/** Below 0: `one` has fewer connections for its weight than `other`. */
export const compareLoad = (one: Peer, other: Peer, now: number): number =>
  one.conns * weightOf(other, now) - other.conns * weightOf(one, now);

const weightOf = (peer: Peer, now: number): number => peer.weight * peer.warmth(now);
