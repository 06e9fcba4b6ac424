/**
 * Smooth weighted round robin (ngx_http_upstream_round_robin.c): each candidate's current weight is raised by its weight, the highest
 * wins and is lowered by the sum. Weights 5, 1, 1 give a a b a c a a: nobody waits long and nobody gets all at once.
 */
import type { Peer } from "../peer.ts";
import { type Balancer, isCandidate, type Picker } from "./balancing.ts";

export class RoundRobin implements Balancer, Picker {
  constructor(private readonly peers: readonly Peer[]) {}

  picker(): Picker {
    return this;
  }

  pick(tried: readonly Peer[], now: number): Peer | null {
    let best: Peer | null = null;
    let total = 0;
    for (const peer of this.peers) {
      if (!isCandidate(peer, tried, now)) continue;
      total += peer.raise(now);
      if (best === null || peer.currentWeight > best.currentWeight) best = peer;
    }
    if (best !== null) best.currentWeight -= total;
    return best;
  }
}

/** For a group of one peer: it is used whatever its failures (nginx). */
export class OnlyPeer implements Balancer, Picker {
  constructor(private readonly peer: Peer) {}

  picker(): Picker {
    return this;
  }

  pick(tried: readonly Peer[]): Peer | null {
    return this.peer.isOpen() && tried.length === 0 ? this.peer : null;
  }
}
