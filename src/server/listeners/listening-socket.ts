/** A listening socket and the endpoints of its connections. A reload that keeps the address keeps the socket. */
import { AT_FDCWD, SO_REUSEPORT, SOL_SOCKET } from "../../../ffi/abi.ts";
import type { Kernel } from "../../../ffi/kernel.ts";
import type { Block } from "../../../ffi/memory.ts";
import type { ListenAddress } from "../../config/model.ts";
import { Endpoint, type EndpointOwner } from "../../connection/endpoint.ts";
import { Listener, localAddress } from "../../network/listener.ts";
import type { Reactor } from "../../network/reactor.ts";
import { coveringWildcard, hostOf, portOf } from "./addresses.ts";

/** Handles a new connection with its peer's struct sockaddr; false: accept no more for now. */
export type Accept = (endpoint: Endpoint, fd: number, peer: Block) => boolean;

export class ListeningSocket {
  readonly listener: Listener;
  /** The bound port: the kernel's choice if the configuration has 0. */
  readonly port: number;
  /** The endpoint for connections to no address in `specific`; null until `serve`. */
  private general: Endpoint | null = null;
  /** By host: the endpoints of addresses that a wildcard socket covers. */
  private specific: ReadonlyMap<string, Endpoint> = new Map();

  /** @param exhausted called when accept4(2) fails for lack of descriptors or memory (-errno) */
  constructor(
    private readonly kernel: Kernel,
    reactor: Reactor,
    readonly fd: number,
    /** The bound address, in the form of the latest configuration. */
    public listen: ListenAddress,
    accept: Accept,
    exhausted: (error: number) => void,
  ) {
    this.port = portOf(localAddress(kernel, fd));
    const accepted = (client: number, peer: Block): boolean => accept(this.endpointOf(client), client, peer);
    this.listener = new Listener(kernel, reactor, fd, accepted, exhausted);
  }

  /**
   * Makes new endpoints for `owner` and closes the previous ones.
   * @param listen the socket's own address, or the wildcard that covers it now
   * @param all every address of the configuration
   */
  serve(listen: ListenAddress, all: readonly ListenAddress[], owner: EndpointOwner): void {
    this.closeEndpoints();
    if (listen.text === this.listen.text) this.changeOptions(listen);
    const covered = all.filter((other) => coveringWildcard(other, all) === listen);
    this.general = new Endpoint(this.kernel, listen, this.port, owner);
    this.specific = new Map(
      covered.map((other) => [hostOf(other.address), new Endpoint(this.kernel, other, this.port, owner)]),
    );
  }

  private changeOptions(listen: ListenAddress): void {
    if (listen.backlog !== this.listen.backlog) this.kernel.listen(this.fd, listen.backlog);
    if (listen.reuseport !== this.listen.reuseport) this.share(listen.reuseport);
    this.listen = listen;
  }

  /** The endpoint of a connection that this socket has accepted. */
  endpointOf(client: number): Endpoint {
    if (this.specific.size === 0) return this.general!;
    return this.specific.get(hostOf(localAddress(this.kernel, client))) ?? this.general!;
  }

  get endpoints(): Endpoint[] {
    return this.general === null ? [] : [this.general, ...this.specific.values()];
  }

  /** Sets whether another socket may be bound to its port too (SO_REUSEPORT, socket(7)). */
  share(may: boolean): void {
    this.kernel.setsockopt(this.fd, SOL_SOCKET, SO_REUSEPORT, may ? 1 : 0);
  }

  /**
   * Accepts the connections in the kernel's queue, then closes. Each of them gets one reply from the configuration that was
   * listening, which is kept until then.
   */
  retire(closed: () => void): void {
    this.closeEndpoints();
    for (const endpoint of this.endpoints) endpoint.retain();
    this.listener.retire(() => {
      this.removePath();
      this.releaseEndpoints();
      closed();
    });
  }

  /** Cancels the retirement: the address is wanted again. */
  cancelRetirement(): void {
    this.listener.cancelRetirement();
    this.releaseEndpoints();
  }

  /** Closes now and removes a unix socket's path. */
  close(): void {
    this.listener.close();
    this.removePath();
  }

  private removePath(): void {
    const { address } = this.listen;
    if (address.family === "unix") this.kernel.unlink(AT_FDCWD, address.path);
  }

  private closeEndpoints(): void {
    for (const endpoint of this.endpoints) endpoint.open = false;
  }

  private releaseEndpoints(): void {
    for (const endpoint of this.endpoints) endpoint.release();
  }
}
