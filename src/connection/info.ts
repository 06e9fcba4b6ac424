/** What logs, variables and address rules can ask about a connection. */
import type { Block } from "../../ffi/memory.ts";
import type { ConnectionInfo } from "../exchange/exchange.ts";
import type { ProxyAddresses } from "../network/proxy-protocol/header.ts";
import type { TcpInfo, TlsFacts, Transport } from "../network/transport.ts";
import type { Endpoint } from "./endpoint.ts";
import { Peer } from "./peer.ts";

export class Info implements ConnectionInfo {
  requests = 0;
  readonly openedAt: number;
  private readonly peer: Peer;

  /**
   * @param connection a reload may change its endpoint
   * @param peer the peer's struct sockaddr
   * @param now monotonic ms
   */
  constructor(
    private readonly connection: { readonly endpoint: Endpoint },
    private readonly transport: Transport,
    peer: Block,
    readonly number: number,
    now: number,
  ) {
    this.openedAt = now;
    this.peer = new Peer(peer);
  }

  get fd(): number {
    return this.transport.fd;
  }

  get scheme(): "http" | "https" {
    return this.transport.tls?.session ? "https" : "http";
  }

  get tls(): TlsFacts | undefined {
    return this.transport.tls;
  }

  tcpInfo(): TcpInfo | null {
    return this.transport.tcpInfo?.() ?? null;
  }

  get proxied(): ProxyAddresses | null {
    return this.transport.proxied ?? null;
  }

  get remoteAddress(): string {
    return this.peer.address;
  }

  get remotePort(): number {
    return this.peer.port;
  }

  get remoteBytes(): Uint8Array {
    return this.peer.bytes;
  }

  get serverAddress(): string {
    return this.connection.endpoint.localAddress(this.fd);
  }

  get serverPort(): number {
    return this.connection.endpoint.port;
  }
}
