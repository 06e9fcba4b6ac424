/** What the methods of balancing have in common. */
import type { Exchange } from "../../../exchange/exchange.ts";
import type { Peer } from "../peer.ts";

/** Finds peers for one request. */
export interface Picker {
  /** The peer for the next attempt, none of `tried`; null: none can be used now. */
  pick(tried: readonly Peer[], now: number): Peer | null;
}

/** A method of balancing over the peers of a group. */
export interface Balancer {
  /** The picker of one request. It does not keep the exchange. */
  picker(exchange: Exchange): Picker;
}

/** Whether a request that has tried `tried` may try `peer`. */
export const isCandidate = (peer: Peer, tried: readonly Peer[], now: number): boolean =>
  peer.isUsable(now) && !tried.includes(peer);

/** The peer at `point` (0 to the total weight) when each takes as much room as its weight, as nginx's hashes and `random` divide it. */
export function peerAt(peers: readonly Peer[], point: number): Peer {
  let left = point;
  for (const peer of peers) {
    if (left < peer.weight) return peer;
    left -= peer.weight;
  }
  return peers.at(-1)!;
}

export const totalWeight = (peers: readonly Peer[]): number => peers.reduce((sum, { weight }) => sum + weight, 0);

/** Attempts to find a usable peer by a hash or by chance; then round robin decides (nginx). */
export const MOST_GUESSES = 20;

/** Peers by weight, and who decides when no guess was good. */
interface Weighted {
  readonly peers: readonly Peer[];
  /** Of all peers. */
  readonly weight: number;
  readonly fallback: Picker;
}

/** Follows a sequence of hashes until one leads to a usable peer. */
export class HashPicker implements Picker {
  private guesses = 0;

  /** @param nextHash gives the next hash of the sequence */
  constructor(
    private readonly of: Weighted,
    private readonly nextHash: () => number,
  ) {}

  pick(tried: readonly Peer[], now: number): Peer | null {
    const { peers, weight, fallback } = this.of;
    for (; this.guesses <= MOST_GUESSES; this.guesses++) {
      const peer = peerAt(peers, this.nextHash() % weight);
      if (isCandidate(peer, tried, now)) return peer;
    }
    return fallback.pick(tried, now);
  }
}
