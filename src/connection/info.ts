/** What logs, variables and address rules know of a connection. */
import type { Block } from "../../ffi/memory.ts";
import type { ConnectionInfo } from "../exchange/exchange.ts";
import type { Endpoint } from "./endpoint.ts";
import { Peer } from "./peer.ts";

export class Info implements ConnectionInfo {
  requests = 0;
  readonly scheme = "http";
  private readonly peer: Peer;

  /** @param connection whose endpoint may be another after a reload @param peer as of `Peer` */
  constructor(
    private readonly connection: { readonly endpoint: Endpoint },
    readonly fd: number,
    peer: Block,
    readonly number: number,
  ) {
    this.peer = new Peer(peer);
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
