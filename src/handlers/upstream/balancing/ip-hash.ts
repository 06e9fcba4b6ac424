/** `ip_hash`: clients of one network go to one server (ngx_http_upstream_ip_hash_module.c, the same hash). */
import type { Exchange } from "../../../exchange/exchange.ts";
import type { Peer } from "../peer.ts";
import { type Balancer, HashPicker, type Picker, totalWeight } from "./balancing.ts";

/** The octets hashed for a client without an internet address. */
const NO_ADDRESS = new Uint8Array(3);
/** Octets of an IPv4 address that count. */
const NETWORK = 3;

export class IpHash implements Balancer {
  readonly weight: number;

  constructor(
    readonly peers: readonly Peer[],
    readonly fallback: Picker,
  ) {
    this.weight = totalWeight(peers);
  }

  picker({ connection }: Exchange): Picker {
    const { remoteBytes } = connection;
    if (remoteBytes.length === 0) return new HashPicker(this, hashesOf(NO_ADDRESS));
    const octets = remoteBytes.length === 4 ? remoteBytes.slice(0, NETWORK) : remoteBytes.slice();
    return new HashPicker(this, hashesOf(octets));
  }
}

/** The hashes of an address: each goes on from the one before. */
function hashesOf(octets: Uint8Array): () => number {
  let hash = 89;
  return () => {
    for (const octet of octets) hash = (hash * 113 + octet) % 6271;
    return hash;
  };
}
