/** Upstreams, caches and names while a configuration is read; finish.ts makes them part of the Config. */
import type { CachePath, HealthCheck, ResolverConfig, UpstreamConfig, UpstreamServer } from "../../gateway.ts";
import type { Position } from "../../parts.ts";
import type { PeerAddress } from "../../values/peer.ts";

/** Looks up a name: numeric addresses, or why there are none. */
export type LookUp = (host: string) => readonly string[] | { readonly error: string };

/** An `upstream` block while it is read. */
export interface UpstreamDraft {
  readonly name: string;
  readonly position: Position;
  readonly servers: (Omit<UpstreamServer, "addresses" | "resolve"> & { peer: PeerAddress; resolve: boolean })[];
  readonly options: {
    -readonly [K in Exclude<keyof UpstreamConfig, "name" | "servers" | "health" | "position">]?: UpstreamConfig[K];
  };
  /** Set when a `*_pass` has a `health_check` beside it. */
  health: HealthCheck | null;
}

/** Knows `localhost` alone, without asking anybody. */
const lookUpLocalhost: LookUp = (host) =>
  host.toLowerCase() === "localhost" ? ["127.0.0.1"] : { error: "names are not looked up" };

/** What the directives of one configuration say about other servers. */
export class GatewayDraft {
  /** By name in small letters: nginx ignores case. */
  readonly upstreams = new Map<string, UpstreamDraft>();
  readonly caches = new Map<string, CachePath>();
  /** The groups of the Config. */
  readonly groups = new Map<string, UpstreamConfig>();

  constructor(readonly lookUp: LookUp = lookUpLocalhost) {}
}

/** The resolver of a block without one. */
export const NO_RESOLVER: { readonly resolver: ResolverConfig | null; readonly resolverTimeout: number } = {
  resolver: null,
  resolverTimeout: 30_000,
};
