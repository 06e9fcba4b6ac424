/** `hash KEY`: the hash of Cache::Memcached, as nginx computes it (ngx_http_upstream_hash_module.c): the same key, the same server. */
import type { Evaluator, Exchange } from "../../../exchange/exchange.ts";
import type { Peer } from "../peer.ts";
import { type Balancer, HashPicker, type Picker, totalWeight } from "./balancing.ts";
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
    return key === "" ? this.fallback : new HashPicker(this, hashesOf(key)); // as nginx 1.22
  }
}

/** The hashes of a key: further ones have their number before the key, and are added to those before. */
function hashesOf(key: string): () => number {
  let hashes = 0;
  let sum = 0;
  return () => {
    const number = hashes++;
    const hash = crc32(number === 0 ? key : `${number}${key}`);
    sum += (hash >>> 16) & 0x7fff;
    return sum;
  };
}
