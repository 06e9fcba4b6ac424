/**
 * All listening sockets of the server. A change of configuration first binds the missing addresses. It is adopted only when all
 * of that worked. A socket whose address stays keeps its descriptor, and with it the kernel's queue.
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

/** The sockets of a configuration that is not in use yet. */
interface Preparation {
  readonly addresses: readonly ListenAddress[];
  /** Each with its address in the new configuration. */
  readonly sockets: ReadonlyMap<ListeningSocket, ListenAddress>;
  /** The sockets that were newly bound. */
  readonly opened: readonly ListeningSocket[];
  /** What could not be bound, one sentence per address. */
  readonly problems: readonly string[];
}

/** Gives the new endpoint of a connection whose endpoint was replaced; undefined: its listener is gone. */
export type Successor = (endpoint: Endpoint, fd: number) => Endpoint | undefined;

export class Listeners {
  /** In the order of the configuration. */
  private sockets: readonly ListeningSocket[] = [];
  /** Sockets no longer in the configuration, which still accept the connections in their queues. */
  private readonly retiring = new Set<ListeningSocket>();
  private readonly accepting: Accepting;
  private closed = false;

  /**
   * @param accept handles a new connection; false: accept no more for now
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

  /** Binds the `addresses` that have no socket yet. Existing sockets are not changed. The caller then calls `adopt` or `abandon`. */
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

  /** Keeps the sockets of addresses that a wildcard now covers: the kernel still gives them the connections to those addresses. */
  private addCovered(sockets: Map<ListeningSocket, ListenAddress>, addresses: readonly ListenAddress[]): void {
    for (const socket of [...this.sockets, ...this.retiring]) {
      const wildcard = sockets.has(socket) ? undefined : coveringWildcard(socket.listen, addresses);
      if (wildcard !== undefined) sockets.set(socket, wildcard);
    }
  }

  /** Closes the newly bound sockets of a configuration that will not be used. */
  abandon({ opened }: Preparation): void {
    for (const socket of opened) socket.close();
  }

  /** Uses the prepared sockets: requests begin in endpoints of `owner` from now on, and other sockets are closed. */
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

  /** Whether there are any listening sockets. */
  get bound(): boolean {
    return this.sockets.length > 0;
  }

  /** The addresses as URLs, without repeats, with their default servers. */
  get sites(): Site[] {
    const sites = new Map<string, VirtualServer>();
    for (const { endpoints } of this.sockets) {
      for (const { listen, port } of endpoints) {
        const url = urlOf(listen, port);
        if (!sites.has(url)) sites.set(url, listen.defaultServer);
      }
    }
    return [...sites].map(([url, server]) => ({ url, server }));
  }

  /** Starts accepting, up to `limit` connections at once; `count` are open. */
  open(limit: number, count: number): void {
    this.accepting.allow(limit, count);
  }

  /** Called when a connection was accepted; `count` are open now. Gives whether more may be accepted. */
  taken(count: number): boolean {
    return this.accepting.taken(count);
  }

  /** Called when a connection has ended; `count` are left. */
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
    this.sockets = []; // from here on the reactor closes them
  }

  /** Descriptors of listening sockets that the reactor does not watch at the moment. */
  *descriptors(): Iterable<number> {
    for (const { listener } of [...this.sockets, ...this.retiring]) if (listener.paused) yield listener.fd;
  }

  private socketAt({ text }: ListenAddress): ListeningSocket | undefined {
    return [...this.sockets, ...this.retiring].find((socket) => socket.listen.text === text);
  }

  /**
   * Opens a listening socket; gives its descriptor or -errno. A wildcard and an address of the same port can only be bound together
   * if both sockets have SO_REUSEPORT, which is set only during the call.
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
