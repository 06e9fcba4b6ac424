/** One socket that listens, and where the requests of its connections begin. A reload that keeps the address keeps the socket. */
import { AT_FDCWD, SO_REUSEPORT, SOL_SOCKET } from "../../../ffi/abi.ts";
import type { Kernel } from "../../../ffi/kernel.ts";
import type { Block } from "../../../ffi/memory.ts";
import type { ListenAddress } from "../../config/model.ts";
import { Endpoint, type EndpointOwner } from "../../connection/endpoint.ts";
import { Listener, localAddress } from "../../network/listener.ts";
import type { Reactor } from "../../network/reactor.ts";
import { coveringWildcard, hostOf, portOf } from "./addresses.ts";

/** Takes a new connection and its peer's struct sockaddr; false: take no more now. */
export type Accept = (endpoint: Endpoint, fd: number, peer: Block) => boolean;

export class ListeningSocket {
  readonly listener: Listener;
  /** The port that is bound: the kernel's choice where the configuration has 0. */
  readonly port: number;
  /** Where requests begin that are for no address in `specific`; null until `serve`. */
  private general: Endpoint | null = null;
  /** By their hosts: the addresses that a wildcard is bound for. */
  private specific: ReadonlyMap<string, Endpoint> = new Map();

  /** @param exhausted is told when accept4(2) fails for want of descriptors or memory (-errno) */
  constructor(
    private readonly kernel: Kernel,
    reactor: Reactor,
    readonly fd: number,
    /** What is bound, as the configuration had it last. */
    public listen: ListenAddress,
    accept: Accept,
    exhausted: (error: number) => void,
  ) {
    this.port = portOf(localAddress(kernel, fd));
    const accepted = (client: number, peer: Block): boolean => accept(this.endpointOf(client), client, peer);
    this.listener = new Listener(kernel, reactor, fd, accepted, exhausted);
  }

  /**
   * From now on requests begin in endpoints of `owner`; those before are closed.
   * @param listen the socket's own address, or the wildcard that stands for it now
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

  /** Where the requests of a connection begin that this socket has accepted. */
  endpointOf(client: number): Endpoint {
    if (this.specific.size === 0) return this.general!;
    return this.specific.get(hostOf(localAddress(this.kernel, client))) ?? this.general!;
  }

  get endpoints(): Endpoint[] {
    return this.general === null ? [] : [this.general, ...this.specific.values()];
  }

  /** Whether another socket may listen on its port beside it (SO_REUSEPORT, socket(7)). */
  share(may: boolean): void {
    this.kernel.setsockopt(this.fd, SOL_SOCKET, SO_REUSEPORT, may ? 1 : 0);
  }

  /**
   * Accepts what waits in the kernel's queue, and closes. These connections get one reply each, as the configuration was that
   * listened: it stays until then.
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

  /** It is wanted again before it was closed. */
  cancelRetirement(): void {
    this.listener.cancelRetirement();
    this.releaseEndpoints();
  }

  /** Closes at once; a unix socket's path is removed. */
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
