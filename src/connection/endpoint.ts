/** An address clients connect to: its servers by name, and what counts before a server is known. */
import type { Kernel } from "../../ffi/kernel.ts";
import type { ListenAddress, Settings, VirtualServer } from "../config/model.ts";
import type { HeadLimits } from "../http/request/parser.ts";
import { localAddress } from "../network/listener.ts";
import type { Origin } from "../request/origin.ts";
import type { Routes } from "../request/route.ts";
import { VirtualHosts } from "../routing/virtual-hosts.ts";

/** As nginx's max_headers: no honest client comes near it. */
const MOST_FIELDS = 1000;

/** What endpoints belong to: one configuration and all that was made of it. */
export interface EndpointOwner {
  routes(server: VirtualServer): Routes;
  /** It has one more user, and lives until the last has released it. */
  retain(): void;
  release(): void;
}

export class Endpoint implements Origin {
  /** False once a reload has replaced it: connections that still have it end with the request in progress. */
  open = true;
  readonly hosts: VirtualHosts<Routes>;
  /** The default server's. */
  readonly settings: Settings;
  readonly limits: HeadLimits;

  /** @param port the one bound, which differs from the configured one where that is 0 */
  constructor(
    private readonly kernel: Kernel,
    readonly listen: ListenAddress,
    readonly port: number,
    readonly owner: EndpointOwner,
  ) {
    this.hosts = new VirtualHosts(
      listen.servers.map((server) => owner.routes(server)),
      owner.routes(listen.defaultServer),
    );
    this.settings = listen.defaultServer.scope.settings;
    this.limits = headLimits(this.settings);
  }

  retain(): void {
    this.owner.retain();
  }

  release(): void {
    this.owner.release();
  }

  /** The address on this side of a connection; for a wildcard address only the connection knows it. */
  localAddress(fd: number): string {
    const { address } = this.listen;
    if (address.family === "unix") return `unix:${address.path}`;
    if (address.host !== "0.0.0.0" && address.host !== "::") return address.host;
    const local = localAddress(this.kernel, fd);
    return local.family === "unix" ? "" : local.host;
  }
}

/** CRLF of a line, and the one that ends the head. */
const CRLF = 2;

/** nginx's buffers as limits: each line fits one buffer with what ends it, all of them together fit all buffers. */
function headLimits({ clientHeaderBufferSize, largeClientHeaderBuffers }: Settings): HeadLimits {
  const { count, size } = largeClientHeaderBuffers;
  const buffer = Math.max(clientHeaderBufferSize, size);
  const total = Math.max(clientHeaderBufferSize, count * size);
  return { line: buffer - CRLF, field: buffer - 2 * CRLF, total, fields: MOST_FIELDS };
}
