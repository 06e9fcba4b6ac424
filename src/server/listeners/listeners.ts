/**
 * Every listening socket of the server. A change of configuration is prepared first: what is missing is bound. Only when all
 * of that has worked is it adopted: sockets whose address stays keep their descriptor, and with it the kernel's queue.
 */
import { SO_REUSEPORT, SOL_SOCKET } from "../../../ffi/abi.ts";
import { ERRNO, errnoText } from "../../../ffi/errno.ts";
import type { Kernel } from "../../../ffi/kernel.ts";
import type { ListenAddress, VirtualServer } from "../../config/model.ts";
import { formatPosition } from "../../config/parts.ts";
import type { Endpoint, EndpointOwner } from "../../connection/endpoint.ts";
import { openListener } from "../../network/listener.ts";
import type { Reactor } from "../../network/reactor.ts";
import { Accepting } from "./accepting.ts";
import { coveringWildcard, overlap, type Site, urlOf } from "./addresses.ts";
import { type Accept, ListeningSocket } from "./listening-socket.ts";

/** The sockets of a configuration that is not in force yet. */
interface Preparation {
  readonly addresses: readonly ListenAddress[];
  /** Each with its address in the new configuration. */
  readonly sockets: ReadonlyMap<ListeningSocket, ListenAddress>;
  /** Those of them that were bound for it. */
  readonly opened: readonly ListeningSocket[];
  /** What could not be bound, one sentence per address. */
  readonly problems: readonly string[];
}

/** Where a connection accepted at an endpoint that was replaced goes on; undefined: nowhere, its listener is gone. */
export type Successor = (endpoint: Endpoint, fd: number) => Endpoint | undefined;

export class Listeners {
  /** In the order of the configuration. */
  private sockets: readonly ListeningSocket[] = [];
  /** They are no longer wanted, and take what waits in their queues. */
  private readonly retiring = new Set<ListeningSocket>();
  private readonly accepting: Accepting;
  private closed = false;

  /**
   * @param accept takes a new connection; false: take no more now
   * @param alert reports that accepting had to pause, or failed
   */
  constructor(
    private readonly kernel: Kernel,
    private readonly reactor: Reactor,
    private readonly accept: Accept,
    private readonly alert: (message: string) => void,
  ) {
    this.accepting = new Accepting(reactor, { pause: () => this.pause(), resume: () => this.resume() }, alert);
  }

  /** Binds what `addresses` need beside the sockets that are there. These go on as they are; `adopt` or `abandon` has to follow. */
  prepare(addresses: readonly ListenAddress[]): Preparation {
    const sockets = new Map<ListeningSocket, ListenAddress>();
    const opened: ListeningSocket[] = [];
    const problems: string[] = [];
    for (const listen of addresses) {
      const known = this.socketAt(listen);
      if (known !== undefined) sockets.set(known, listen);
      else if (coveringWildcard(listen, addresses) === undefined) {
        const fd = this.bind(listen);
        if (fd < 0) {
          problems.push(
            `${formatPosition(listen.position)}: error: bind() to ${listen.text} failed (${errnoText(fd)})`,
          );
          continue;
        }
        const socket = new ListeningSocket(this.kernel, this.reactor, fd, listen, this.accept, (error) =>
          this.accepting.failed(error),
        );
        opened.push(socket);
        sockets.set(socket, listen);
      }
    }
    this.addCovered(sockets, addresses);
    return { addresses, sockets, opened, problems };
  }

  /** A socket whose address a wildcard stands for now goes on for it: the kernel gives it that address' connections all the same. */
  private addCovered(sockets: Map<ListeningSocket, ListenAddress>, addresses: readonly ListenAddress[]): void {
    for (const socket of [...this.sockets, ...this.retiring]) {
      const wildcard = sockets.has(socket) ? undefined : coveringWildcard(socket.listen, addresses);
      if (wildcard !== undefined) sockets.set(socket, wildcard);
    }
  }

  /** Closes again what was bound for a configuration that is not to be in force after all. */
  abandon({ opened }: Preparation): void {
    for (const socket of opened) socket.close();
  }

  /** Requests begin in endpoints of `owner` from now on, at its addresses; what listens elsewhere is closed. */
  adopt({ addresses, sockets }: Preparation, owner: EndpointOwner): Successor {
    const homes = new Map<Endpoint, ListeningSocket>();
    for (const socket of this.sockets) for (const endpoint of socket.endpoints) homes.set(endpoint, socket);
    const gone = this.sockets.filter((socket) => !sockets.has(socket));
    this.sockets = [...sockets.keys()];
    for (const [socket, listen] of sockets) {
      if (this.retiring.delete(socket)) socket.cancelRetirement();
      socket.serve(listen, addresses, owner);
    }
    for (const socket of gone) this.retire(socket);
    return (endpoint, fd) => {
      const socket = homes.get(endpoint);
      return socket !== undefined && sockets.has(socket) ? socket.endpointOf(fd) : undefined;
    };
  }

  /** Whether there is anything to accept from. */
  get bound(): boolean {
    return this.sockets.length > 0;
  }

  /** The addresses as URLs a person can open, each once, with their default servers. */
  get sites(): Site[] {
    const sites = new Map<string, VirtualServer>();
    for (const { endpoints } of this.sockets) {
      for (const { listen, port } of endpoints) {
        const url = urlOf(listen.address, port);
        if (!sites.has(url)) sites.set(url, listen.defaultServer);
      }
    }
    return [...sites].map(([url, server]) => ({ url, server }));
  }

  /** Accepts from now on, up to `limit` connections at once; `count` are there. */
  open(limit: number, count: number): void {
    this.accepting.allow(limit, count);
  }

  /** A connection was accepted, so that there are `count`. Whether there may be more. */
  taken(count: number): boolean {
    return this.accepting.taken(count);
  }

  /** A connection has ended, so that there are `count`. */
  freed(count: number): void {
    this.accepting.freed(count);
  }

  /** Stops listening. */
  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.accepting.stop();
    for (const socket of this.retiring) socket.listener.closeNow();
    for (const socket of this.sockets) socket.close();
    this.sockets = []; // from here on the reactor owns the sockets it has to close
  }

  /** Listening sockets that the reactor does not watch at the moment. */
  *descriptors(): Iterable<number> {
    for (const { listener } of [...this.sockets, ...this.retiring]) if (listener.paused) yield listener.fd;
  }

  private socketAt({ text }: ListenAddress): ListeningSocket | undefined {
    return [...this.sockets, ...this.retiring].find((socket) => socket.listen.text === text);
  }

  /**
   * Opens a listening socket; its descriptor, or -errno. A wildcard and an address of the same port can only be bound beside
   * each other if both sockets agree (SO_REUSEPORT), which they do for this moment alone.
   */
  private bind(listen: ListenAddress): number {
    const options = { ...listen, deferred: true };
    const fd = openListener(this.kernel, listen.address, options);
    if (fd !== -ERRNO.EADDRINUSE) return fd;
    const others = [...this.sockets, ...this.retiring].filter((other) => overlap(other.listen.address, listen.address));
    if (others.length === 0) return fd;
    for (const other of others) other.share(true);
    const beside = openListener(this.kernel, listen.address, { ...options, reuseport: true });
    for (const other of others) other.share(other.listen.reuseport);
    if (beside >= 0 && !listen.reuseport) this.kernel.setsockopt(beside, SOL_SOCKET, SO_REUSEPORT, 0);
    return beside;
  }

  private retire(socket: ListeningSocket): void {
    this.retiring.add(socket);
    socket.retire(() => this.retiring.delete(socket));
  }

  private pause(): void {
    for (const { listener } of [...this.sockets, ...this.retiring]) listener.pause();
  }

  private resume(): void {
    if (this.closed) return;
    for (const { listener, listen } of this.sockets) {
      const n = listener.resume();
      if (n < 0) this.alert(`epoll_ctl() for ${listen.text} failed (${errnoText(n)}): it does not accept`);
    }
  }
}
