/** `random [two [least_conn]]`: a peer by chance and weight, or of two such the one with fewer connections (ngx_http_upstream_random_module.c). */
import type { Peer } from "../peer.ts";
import { type Balancer, isCandidate, MOST_GUESSES, type Picker, peerAt, totalWeight } from "./balancing.ts";
import { compareLoad } from "./least-conn.ts";

export class RandomChoice implements Balancer, Picker {
  private readonly weight: number;

  /** @param chance gives whole numbers from 0 to 2^32 - 1 */
  constructor(
    private readonly peers: readonly Peer[],
    private readonly two: boolean,
    private readonly chance: () => number,
    private readonly fallback: Picker,
  ) {
    this.weight = totalWeight(peers);
  }

  picker(): Picker {
    return this;
  }

  pick(tried: readonly Peer[], now: number): Peer | null {
    let first: Peer | null = null;
    for (let guesses = 0; guesses <= MOST_GUESSES; guesses++) {
      const peer = peerAt(this.peers, this.chance() % this.weight);
      if (peer === first || !isCandidate(peer, tried, now)) continue;
      if (!this.two) return peer;
      if (first !== null) return compareLoad(peer, first, now) > 0 ? first : peer;
      first = peer;
    }
    return this.fallback.pick(tried, now);
  }
}

/** Cheap chance (xorshift32), for spreading load and nothing else. `seed` is from the kernel. */
export function chanceFrom(seed: number): () => number {
  let state = seed >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state;
  };
}
