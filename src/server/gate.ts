/**
 * Where clients come in: every listening socket, and the rules for when they accept. No descriptors left or as many
 * clients as allowed: the gate closes, the kernel's queue holds the newcomers, and it opens again when one leaves.
 */

import { AT_FDCWD } from "../../ffi/abi.ts";
import { errnoText } from "../../ffi/errno.ts";
import type { SocketAddress } from "../../ffi/inet.ts";
import type { Kernel } from "../../ffi/kernel.ts";
import type { Block } from "../../ffi/memory.ts";
import { formatPosition, type ListenAddress, type VirtualServer } from "../config/model.ts";
import { Endpoint, type EndpointOwner } from "../connection/endpoint.ts";
import { Listener, localAddress, openListener } from "../network/listener.ts";
import type { Reactor } from "../network/reactor.ts";
import { Timed } from "../network/timers.ts";

/** After descriptors ran out: look again even if no client has left, ms. */
const RETRY = 500;

/** An address that is listened on, and who answers there when the Host is no other's. */
export interface Site {
  readonly url: string;
  readonly server: VirtualServer;
}

/** One bound socket. Where it is a wildcard's, connections to `specific` addresses of its port have endpoints of their own. */
interface Door {
  readonly listener: Listener;
  readonly listen: ListenAddress;
  readonly endpoint: Endpoint;
  readonly specific: ReadonlyMap<string, Endpoint>;
}

export class Gate extends Timed {
  private readonly doors: Door[] = [];
  private limit = Number.POSITIVE_INFINITY;
  private full = false;
  private exhausted = false;
  /** The pause in force was reported. */
  private reported = false;
  private closed = false;

  /**
   * @param accept takes a new connection; false: take no more now
   * @param alert reports that accepting had to pause
   */
  constructor(
    private readonly kernel: Kernel,
    private readonly reactor: Reactor,
    private readonly accept: (endpoint: Endpoint, fd: number, peer: Block) => boolean,
    private readonly alert: (message: string) => void,
  ) {
    super();
  }

  /** Binds all addresses. What went wrong, one sentence per address. */
  bind(addresses: readonly ListenAddress[], owner: EndpointOwner): string[] {
    const problems: string[] = [];
    for (const listen of addresses) {
      if (coveringWildcard(listen, addresses) !== undefined) continue;
      const fd = openListener(this.kernel, listen.address, { ...listen, deferred: true });
      if (fd < 0)
        problems.push(`${formatPosition(listen.position)}: bind() to ${listen.text} failed (${errnoText(fd)})`);
      else this.addDoor(fd, listen, addresses, owner);
    }
    return problems;
  }

  private addDoor(fd: number, listen: ListenAddress, addresses: readonly ListenAddress[], owner: EndpointOwner): void {
    const port = portOf(localAddress(this.kernel, fd));
    const covered = addresses.filter((other) => coveringWildcard(other, addresses) === listen);
    const specific = new Map(
      covered.map((other) => [hostOf(other.address), new Endpoint(this.kernel, other, port, owner)]),
    );
    const endpoint = new Endpoint(this.kernel, listen, port, owner);
    const listener = new Listener(
      this.kernel,
      this.reactor,
      fd,
      (client, peer) => this.accept(this.endpointOf(client, endpoint, specific), client, peer),
      (error) => this.pause(error),
    );
    this.doors.push({ listener, listen, endpoint, specific });
  }

  private endpointOf(fd: number, general: Endpoint, specific: ReadonlyMap<string, Endpoint>): Endpoint {
    if (specific.size === 0) return general;
    return specific.get(hostOf(localAddress(this.kernel, fd))) ?? general;
  }

  /** Whether there is anything to accept from. */
  get bound(): boolean {
    return this.doors.length > 0;
  }

  /** The addresses as URLs a person can open, each once, with their default servers. */
  get sites(): Site[] {
    const sites = new Map<string, VirtualServer>();
    for (const { endpoint, specific } of this.doors) {
      for (const { listen, port } of [endpoint, ...specific.values()]) {
        const url = urlOf(listen.address, port);
        if (!sites.has(url)) sites.set(url, listen.defaultServer);
      }
    }
    return [...sites].map(([url, server]) => ({ url, server }));
  }

  /** Begins to accept. @param limit clients at once */
  open(limit: number): void {
    this.limit = limit;
    this.resume();
  }

  /** A client has been taken, so that there are `count`. Whether there may be more. */
  taken(count: number): boolean {
    if (count < this.limit) {
      this.reported = false;
      return true;
    }
    this.report(`${this.limit} worker_connections are not enough: accepting pauses`);
    this.full = true;
    this.pauseAll();
    return false;
  }

  /** A client has left, so that there are `count`: its descriptor is free when the turn ends. */
  freed(count: number): void {
    if (!this.full && !this.exhausted) return;
    if (count >= this.limit) return;
    this.full = this.exhausted = false;
    this.resume();
  }

  private pause(error: number): void {
    this.report(`accept4() failed (${errnoText(error)}): accepting pauses`);
    this.exhausted = true;
    this.pauseAll();
    this.reactor.timers.start(this, RETRY, this.reactor.now);
  }

  private report(message: string): void {
    if (!this.reported) this.alert(message);
    this.reported = true;
  }

  onTimeout(): void {
    this.exhausted = false;
    if (!this.full) this.resume();
  }

  private pauseAll(): void {
    for (const { listener } of this.doors) listener.pause();
  }

  private resume(): void {
    if (this.closed) return;
    for (const { listener, listen } of this.doors) {
      const n = listener.resume();
      if (n < 0) this.alert(`epoll_ctl() for ${listen.text} failed (${errnoText(n)}): it does not accept`);
    }
  }

  /** Stops listening; a unix socket's path is removed. */
  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.timerList?.stop(this);
    for (const { listener, listen } of this.doors) {
      listener.close();
      if (listen.address.family === "unix") this.kernel.unlink(AT_FDCWD, listen.address.path);
    }
    this.doors.length = 0; // from here on the reactor owns the sockets it has to close
  }

  /** Listening sockets that the reactor does not watch at the moment. */
  *descriptors(): Iterable<number> {
    for (const { listener } of this.doors) if (listener.paused) yield listener.fd;
  }
}

/** The wildcard address that is bound in place of `listen`, as nginx does; undefined when it is bound itself. */
function coveringWildcard(listen: ListenAddress, all: readonly ListenAddress[]): ListenAddress | undefined {
  const { address } = listen;
  if (address.family === "unix" || isWildcard(address) || address.port === 0) return undefined;
  return all.find(
    (other) =>
      other.address.family === address.family && other.address.port === address.port && isWildcard(other.address),
  );
}

const isWildcard = (address: SocketAddress): boolean =>
  address.family !== "unix" && (address.host === "0.0.0.0" || address.host === "::");

const portOf = (address: SocketAddress): number => (address.family === "unix" ? 0 : address.port);

const hostOf = (address: SocketAddress): string => (address.family === "unix" ? "" : address.host);

/** A wildcard is shown as the loopback address: one can open it. */
function urlOf(address: SocketAddress, port: number): string {
  if (address.family === "unix") return `http://unix:${address.path}:/`;
  const host = address.host === "0.0.0.0" ? "127.0.0.1" : address.host === "::" ? "::1" : address.host;
  return `http://${address.family === "ipv6" ? `[${host}]` : host}${port === 80 ? "" : `:${port}`}/`;
}
