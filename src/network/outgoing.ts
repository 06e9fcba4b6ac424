/** Outgoing connections: to an address of IPv4, IPv6 or a unix socket, without waiting. */
import {
  IP_BIND_ADDRESS_NO_PORT,
  IP_TRANSPARENT,
  IPPROTO_IP,
  IPPROTO_TCP,
  SO_KEEPALIVE,
  SOCK_STREAM,
  SOCKADDR_STORAGE,
  SOL_SOCKET,
  TCP_NODELAY,
} from "../../ffi/abi.ts";
import { ERRNO } from "../../ffi/errno.ts";
import type { SocketAddress } from "../../ffi/inet.ts";
import type { Kernel } from "../../ffi/kernel.ts";
import { Block } from "../../ffi/memory.ts";
import { encodeAddress, familyNumber } from "./address.ts";
import type { Reactor } from "./reactor.ts";
import { Socket } from "./socket.ts";
import type { TransportOwner } from "./transport.ts";

interface OutgoingOptions {
  /** The local address; null: the system chooses. Ignored for unix sockets. */
  readonly from: SocketAddress | null;
  /** `from` may be an address that is not this machine's (IP_TRANSPARENT, needs CAP_NET_ADMIN). */
  readonly transparent: boolean;
  /** SO_KEEPALIVE. */
  readonly keepalive: boolean;
}

const scratch = new Block(SOCKADDR_STORAGE);

/** Descriptors for files, logs and the like, which connections leave free. */
const SPARE_DESCRIPTORS = 64;

/** Most descriptors that connections may take. If the limit of the process is very low, half is kept for files. */
export const mostForConnections = (limit: number): number => Math.max(limit - SPARE_DESCRIPTORS, limit >> 1);

/**
 * Starts to connect to `to`. The socket is watched already. If it is `writable` at once it is connected; else `owner.onReady` is
 * called, and then `connectError` tells how it ended. The caller limits the time. -errno: it has failed already. The last descriptors
 * are not for it (-EMFILE): where accepting found none, the request of a server that is passed on to itself would wait for itself.
 */
export function connectTo(
  kernel: Kernel,
  reactor: Reactor,
  to: SocketAddress,
  owner: TransportOwner,
  options: OutgoingOptions,
): Socket | number {
  const fd = kernel.socket(familyNumber[to.family], SOCK_STREAM);
  if (fd < 0) return fd;
  const isScarce = fd >= mostForConnections(kernel.descriptorLimit()); // the kernel gives the lowest number that is free
  const n = isScarce ? -ERRNO.EMFILE : prepare(kernel, fd, to, options) || connect(kernel, fd, to);
  if (n < 0 && n !== -ERRNO.EINPROGRESS) {
    kernel.close(fd);
    return n;
  }
  const socket = new Socket(kernel, reactor, fd, n === 0);
  socket.owner = owner;
  const watched = socket.watch();
  if (watched < 0) socket.close();
  return watched < 0 ? watched : socket;
}

/** EINTR would leave the connection in progress (connect(2)). */
function connect(kernel: Kernel, fd: number, to: SocketAddress): number {
  const n = kernel.connect(fd, scratch, encodeAddress(to, scratch));
  return n === -ERRNO.EINTR ? -ERRNO.EINPROGRESS : n;
}

/** 0, or -errno. */
function prepare(kernel: Kernel, fd: number, to: SocketAddress, options: OutgoingOptions): number {
  if (options.keepalive) kernel.setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
  if (to.family === "unix") return 0;
  kernel.setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  const { from, transparent } = options;
  if (from === null) return 0;
  if (transparent) kernel.setsockopt(fd, IPPROTO_IP, IP_TRANSPARENT, 1);
  // The port is chosen in connect(2), so that one local address is good for more than 28,000 connections.
  if (from.family !== "unix" && from.port === 0) kernel.setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
  return kernel.bind(fd, scratch, encodeAddress(from, scratch));
}
