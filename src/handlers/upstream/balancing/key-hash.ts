/** `hash KEY`: the hash of Cache::Memcached, as nginx computes it (ngx_http_upstream_hash_module.c): the same key, the same server. */
import type { Evaluator, Exchange } from "../../../exchange/exchange.ts";
import type { Peer } from "../peer.ts";
import { type Balancer, isCandidate, MOST_GUESSES, type Picker, peerAt, totalWeight } from "./balancing.ts";
import { crc32 } from "./crc32.ts";

export class KeyHash implements Balancer {
  readonly weight: number;

  constructor(
    readonly peers: readonly Peer[],
    private readonly key: Evaluator,
    readonly fallback: Picker,
  ) {
    this.weight = totalWeight(peers);
  }

  picker(exchange: Exchange): Picker {
    const key = this.key(exchange);
    return key === "" ? this.fallback : new KeyHashPicker(this, key); // as nginx 1.22
  }
}

class KeyHashPicker implements Picker {
  private sum = 0;
  /** Hashes computed; the failed guesses among them. */
  private hashes = 0;
  private guesses = 0;

  constructor(
    private readonly of: KeyHash,
    private readonly key: string,
  ) {}

  pick(tried: readonly Peer[], now: number): Peer | null {
    for (; this.guesses <= MOST_GUESSES; this.guesses++) {
      const peer = peerAt(this.of.peers, this.nextSum() % this.of.weight);
      if (isCandidate(peer, tried, now)) return peer;
    }
    return this.of.fallback.pick(tried, now);
  }

  /** Further hashes have their number before the key, and are added to those before. */
  private nextSum(): number {
    const number = this.hashes++;
    const hash = crc32(number === 0 ? this.key : `${number}${this.key}`);
    this.sum += (hash >>> 16) & 0x7fff;
    return this.sum;
  }
}
