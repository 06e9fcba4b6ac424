/** The servers and limits of the address that a request came to. A reload replaces it; requests in progress keep theirs. */
import type { HeadLimits } from "../http/request/parser.ts";
import type { VirtualHosts } from "../routing/virtual-hosts.ts";
import type { Routes } from "./route.ts";

export interface Origin {
  readonly hosts: VirtualHosts<Routes>;
  readonly limits: HeadLimits;
  /** Whether its connections begin with a TLS handshake. */
  readonly tls: boolean;
  /** False once a reload has replaced it. */
  readonly open: boolean;
  /** A request has begun: the configuration and everything made from it stay until the request has ended. */
  retain(): void;
  /** The request has ended. */
  release(): void;
}
