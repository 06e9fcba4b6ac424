/** An address that clients connect to: its servers by name, and the settings that apply before the server is known. */
import type { Kernel } from "../../ffi/kernel.ts";
import type { TlsContext } from "../../ffi/openssl/context.ts";
import type { ListenAddress, Settings, VirtualServer } from "../config/model.ts";
import { PLAIN_NAME, PLAIN_OR_UNDERSCORE, TOKEN } from "../http/bytes.ts";
import type { HeadLimits } from "../http/request/parser.ts";
import { localAddress } from "../network/listener.ts";
import type { Origin } from "../request/origin.ts";
import type { Routes } from "../request/route.ts";
import { VirtualHosts } from "../routing/virtual-hosts.ts";

/** The generation that endpoints belong to: one configuration and everything made from it. */
export interface EndpointOwner {
  routes(server: VirtualServer): Routes;
  /** The certificates and rules of a server; undefined: it has none of its own. */
  contextOf(server: VirtualServer): TlsContext | undefined;
  /** Counts one more user. The generation lives until the last user has released it. */
  retain(): void;
  release(): void;
}

export class Endpoint implements Origin {
  /** False once a reload has replaced it. Connections that still have it end after the request in progress. */
  open = true;
  readonly hosts: VirtualHosts<Routes>;
  /** Of the default server. */
  readonly settings: Settings;
  readonly limits: HeadLimits;

  /** @param port the bound port; the configured one may be 0 */
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

  get tls(): boolean {
    return this.listen.tls;
  }

  /** The TLS context for a server name: that of its server, else of the default server; null: the handshake is refused. */
  contextFor(name: string): TlsContext | null {
    const { server } = this.hosts.find(name).server.scope.route;
    if (server.scope.settings.sslRejectHandshake) return null;
    return this.owner.contextOf(server) ?? this.owner.contextOf(this.listen.defaultServer) ?? null;
  }

  retain(): void {
    this.owner.retain();
  }

  release(): void {
    this.owner.release();
  }

  /** The server's address of the connection `fd`. For a wildcard address it is asked of the socket. */
  localAddress(fd: number): string {
    const { address } = this.listen;
    if (address.family === "unix") return `unix:${address.path}`;
    if (address.host !== "0.0.0.0" && address.host !== "::") return address.host;
    const local = localAddress(this.kernel, fd);
    return local.family === "unix" ? "" : local.host;
  }
}

/** Bytes of a CRLF: one ends each line, one ends the head. */
const CRLF = 2;

/** The characters of the names of fields that are not dropped. */
function keptNames({ ignoreInvalidHeaders, underscoresInHeaders }: Settings): Uint8Array {
  if (!ignoreInvalidHeaders) return TOKEN;
  return underscoresInHeaders ? PLAIN_OR_UNDERSCORE : PLAIN_NAME;
}

/** Limits that follow from nginx's buffers: a line with its CRLF must fit one buffer, the head must fit all of them. */
function headLimits(settings: Settings): HeadLimits {
  const { clientHeaderBufferSize, largeClientHeaderBuffers, maxHeaders } = settings;
  const { count, size } = largeClientHeaderBuffers;
  const buffer = Math.max(clientHeaderBufferSize, size);
  const total = Math.max(clientHeaderBufferSize, count * size);
  return { line: buffer - CRLF, field: buffer - 2 * CRLF, total, fields: maxHeaders, names: keptNames(settings) };
}
