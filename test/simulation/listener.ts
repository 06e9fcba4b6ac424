/** Sockets without a connection (unbound, bound, listening), and the network, which maps addresses to listeners. */
import { AF_INET, AF_INET6, AF_UNIX, EPOLLIN, SO_REUSEPORT, SOL_SOCKET } from "../../ffi/abi.ts";
import { ERRNO } from "../../ffi/errno.ts";
import type { Connection } from "./connection.ts";
import type { DatagramServer } from "./datagrams.ts";
import { Misuse } from "./descriptors.ts";
import type { ConnectionOptions, Peer } from "./environment.ts";
import { Pollable } from "./epoll.ts";

/** The key of an address: the bytes of its struct sockaddr. */
const keyOf = (address: Buffer): string => address.toString("latin1");

/** The other end of a connection that the server makes. */
export interface RemotePeer extends Peer {
  connection: Connection | null;
  /** The connection has arrived. */
  connected(): void;
}

/** A server outside, to which the server under test connects. */
export interface Remote {
  connect(): {
    readonly outcome: "accepts" | "refuses" | "hangs";
    readonly options: ConnectionOptions;
    readonly peer: RemotePeer;
  };
}

export class Network {
  private readonly bound = new Map<string, Socket[]>();
  private readonly datagramServers = new Map<string, DatagramServer>();
  private readonly remotes = new Map<string, Remote>();
  private ephemeralPort = 40_000;

  /** From now on `server` gets the datagrams to the struct sockaddr `address`. */
  answerDatagrams(address: Buffer, server: DatagramServer): void {
    this.datagramServers.set(keyOf(address), server);
  }

  datagramServer(address: Buffer): DatagramServer | undefined {
    return this.datagramServers.get(keyOf(address));
  }

  /** Places a server at a struct sockaddr. */
  place(address: Buffer, remote: Remote): void {
    this.remotes.set(keyOf(address), remote);
  }

  remoteAt(address: Buffer): Remote | undefined {
    return this.remotes.get(keyOf(address));
  }

  bind(socket: Socket, address: Buffer): number {
    if (address.readUInt16LE(0) !== AF_UNIX && address.readUInt16BE(2) === 0) {
      address.writeUInt16BE(this.ephemeralPort++, 2);
    }
    const others = this.bound.get(keyOf(address)) ?? [];
    if (others.length > 0 && !(socket.reusesPort && others.every((other) => other.reusesPort)))
      return -ERRNO.EADDRINUSE;
    this.bound.set(keyOf(address), [...others, socket]);
    socket.address = address;
    return 0;
  }

  release(socket: Socket): void {
    const key = keyOf(socket.address!);
    const rest = this.bound.get(key)!.filter((other) => other !== socket);
    if (rest.length > 0) this.bound.set(key, rest);
    else this.bound.delete(key);
  }

  /** Listeners of wildcard addresses. */
  listeners(): Socket[] {
    return [...this.bound.values()].flat().filter((socket) => socket.backlog > 0);
  }

  listenerAt(address: Buffer): Socket | undefined {
    return this.bound.get(keyOf(address))?.find((socket) => socket.backlog > 0);
  }
}

export class Socket extends Pollable {
  address: Buffer | null = null;
  /** Length of the queue; 0: it does not listen. */
  backlog = 0;
  reusesPort = false;
  private readonly waiting: Connection[] = [];
  private mayAccept = false;

  constructor(
    private readonly network: Network,
    readonly family: number,
  ) {
    super();
  }

  describe(): string {
    return this.backlog > 0 ? "a listening socket" : "a socket";
  }

  setOption(level: number, name: number, value: number): number {
    if (level === SOL_SOCKET && name === SO_REUSEPORT) this.reusesPort = value !== 0;
    return 0;
  }

  bind(address: Buffer): number {
    if (address.readUInt16LE(0) !== this.family) return -ERRNO.EAFNOSUPPORT;
    return this.address ? -ERRNO.EINVAL : this.network.bind(this, address);
  }

  listen(backlog: number): number {
    if (!this.address) throw new Misuse("listen on a socket without an address");
    this.backlog = Math.max(1, backlog);
    return 0;
  }

  poll(): number {
    return this.waiting.length > 0 ? EPOLLIN : 0;
  }

  override reported(): void {
    this.mayAccept = true;
  }

  /** Adds a peer's connection to the queue. False: the queue is full, and the SYN is lost. */
  offer(connection: Connection): boolean {
    if (this.waiting.length > this.backlog) return false;
    this.waiting.push(connection);
    this.wake(EPOLLIN);
    return true;
  }

  /** Whether a connection waits. The server may call accept only after epoll has reported it. */
  canAccept(): boolean {
    if (this.backlog === 0) throw new Misuse("accept on a socket that does not listen");
    if (!this.mayAccept) throw new Misuse("accept on a socket that epoll has not reported since it was drained");
    if (this.waiting.length === 0) this.mayAccept = false;
    return this.waiting.length > 0;
  }

  accept(): Connection {
    return this.waiting.shift()!;
  }

  closed(): void {
    this.forgetWatches();
    if (this.address) this.network.release(this);
    for (const connection of this.waiting) connection.lost();
  }
}

/** A struct sockaddr for a client: distinct for each number, of the listener's family. */
export function clientAddress(family: number, number: number): Buffer {
  if (family === AF_UNIX) return Buffer.from([AF_UNIX, 0]);
  const address = Buffer.alloc(family === AF_INET6 ? 28 : 16);
  address.writeUInt16LE(family, 0);
  address.writeUInt16BE(1024 + (number % 60_000), 2);
  if (family === AF_INET) address.set([192, 0, 2, 1 + (number % 250)], 4);
  else address.set([0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, number >> 8, number & 255], 8);
  return address;
}

/** The result of getsockname(2) on a connection to this listener: a wildcard is replaced by the address the peer used. */
export function localAddress(bound: Buffer): Buffer {
  const local = Buffer.from(bound);
  const family = local.readUInt16LE(0);
  if (family === AF_INET && local.readUInt32BE(4) === 0) local.set([192, 0, 2, 254], 4);
  if (family === AF_INET6 && local.subarray(8, 24).every((byte) => byte === 0)) local.set([0xfd, 0, 0, 254], 8);
  return local;
}
