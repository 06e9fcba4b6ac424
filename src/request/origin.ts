/** Where a request begins: what its address leads to. A reload gives the address a new origin; requests in progress keep theirs. */
import type { HeadLimits } from "../http/request/parser.ts";
import type { VirtualHosts } from "../routing/virtual-hosts.ts";
import type { Routes } from "./route.ts";

export interface Origin {
  readonly hosts: VirtualHosts<Routes>;
  readonly limits: HeadLimits;
  /** Whether requests still begin here: false once a reload has replaced it. */
  readonly open: boolean;
  /** A request has begun here: the configuration and all that was made of it stay until it has ended. */
  retain(): void;
  /** A request that began here has ended. */
  release(): void;
}
