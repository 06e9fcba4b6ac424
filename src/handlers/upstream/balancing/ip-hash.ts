/** `ip_hash`: clients of one network go to one server (ngx_http_upstream_ip_hash_module.c, the same hash). */
import type { Exchange } from "../../../exchange/exchange.ts";
import type { Peer } from "../peer.ts";
import { type Balancer, isCandidate, MOST_GUESSES, type Picker, peerAt, totalWeight } from "./balancing.ts";

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
    if (remoteBytes.length === 0) return new IpHashPicker(this, NO_ADDRESS);
    return new IpHashPicker(this, remoteBytes.length === 4 ? remoteBytes.slice(0, NETWORK) : remoteBytes.slice());
  }
}

class IpHashPicker implements Picker {
  private hash = 89;
  private guesses = 0;

  constructor(
    private readonly of: IpHash,
    private readonly octets: Uint8Array,
  ) {}

  pick(tried: readonly Peer[], now: number): Peer | null {
    for (; this.guesses <= MOST_GUESSES; this.guesses++) {
      for (const octet of this.octets) this.hash = (this.hash * 113 + octet) % 6271;
      const peer = peerAt(this.of.peers, this.hash % this.of.weight);
      if (isCandidate(peer, tried, now)) return peer;
    }
    return this.of.fallback.pick(tried, now);
  }
}
