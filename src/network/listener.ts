/** Listening sockets. They accept in batches of limited size and are paused while the process is short of descriptors. */

import {
  AT_FDCWD,
  EPOLLIN,
  IPPROTO_IPV6,
  IPPROTO_TCP,
  IPV6_V6ONLY,
  O_NOFOLLOW,
  O_PATH,
  S_IFMT,
  S_IFSOCK,
  SO_REUSEADDR,
  SO_REUSEPORT,
  SOCK_STREAM,
  SOCKADDR_STORAGE,
  SOL_SOCKET,
  TCP_DEFER_ACCEPT,
  TCP_NODELAY,
} from "../../ffi/abi.ts";
import { ERRNO } from "../../ffi/errno.ts";
import type { SocketAddress } from "../../ffi/inet.ts";
import { FileStatus, type Kernel } from "../../ffi/kernel.ts";
import { Block } from "../../ffi/memory.ts";
import { decodeAddress, encodeAddress, familyNumber } from "./address.ts";
import type { Reactor, Source, Unfinished } from "./reactor.ts";

interface ListenOptions {
  /** Accept a connection only when its first bytes have arrived, or after about a second without (TCP_DEFER_ACCEPT, tcp(7)). */
  readonly deferred: boolean;
  readonly backlog: number;
  readonly reuseport: boolean;
  readonly ipv6only: boolean;
}

/** Most connections accepted per turn and socket, so that many new ones do not delay the existing ones. */
const ACCEPTS_PER_TURN = 64;

/** A retiring listener closes after QUIET_TURNS turns without a connection, and at the latest after MOST_RETIRING_TURNS. */
const QUIET_TURNS = 2;
const MOST_RETIRING_TURNS = 1000;

/** Opens a listening socket. Its descriptor, or -errno. TCP_NODELAY is set here because accepted sockets inherit it (tcp(7)). */
export function openListener(kernel: Kernel, address: SocketAddress, options: ListenOptions): number {
  const fd = tryListener(kernel, address, options);
  if (fd !== -ERRNO.EADDRINUSE || address.family !== "unix" || !isAbandoned(kernel, address)) return fd;
  kernel.unlink(AT_FDCWD, address.path);
  return tryListener(kernel, address, options);
}

function tryListener(kernel: Kernel, address: SocketAddress, options: ListenOptions): number {
  const fd = kernel.socket(familyNumber[address.family], SOCK_STREAM);
  if (fd < 0) return fd;
  const n = prepare(kernel, fd, address, options);
  if (n < 0) kernel.close(fd);
  return n < 0 ? n : fd;
}

/** Whether a process left the path of a unix socket behind when it ended. (A path of any other file refuses connections too, so its type is checked.) */
function isAbandoned(kernel: Kernel, address: SocketAddress & { family: "unix" }): boolean {
  if (!isSocket(kernel, address.path)) return false;
  const fd = kernel.socket(familyNumber.unix, SOCK_STREAM);
  if (fd < 0) return false;
  const block = new Block(SOCKADDR_STORAGE);
  const n = kernel.connect(fd, block, encodeAddress(address, block));
  kernel.close(fd);
  return n === -ERRNO.ECONNREFUSED;
}

function isSocket(kernel: Kernel, path: string): boolean {
  const fd = kernel.open(path, O_PATH | O_NOFOLLOW, 0);
  if (fd < 0) return false;
  const status = new FileStatus();
  const n = kernel.fstat(fd, status);
  kernel.close(fd);
  return n === 0 && (status.mode & S_IFMT) === S_IFSOCK;
}

function prepare(kernel: Kernel, fd: number, address: SocketAddress, options: ListenOptions): number {
  if (address.family !== "unix") {
    kernel.setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    kernel.setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    if (options.deferred) kernel.setsockopt(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, 1);
  }
  if (options.reuseport) kernel.setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, 1);
  if (address.family === "ipv6") kernel.setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, options.ipv6only ? 1 : 0);
  const block = new Block(SOCKADDR_STORAGE);
  const n = kernel.bind(fd, block, encodeAddress(address, block));
  if (n < 0) return n;
  // As in nginx, everyone who can reach the folder may connect, whatever the umask is.
  if (address.family === "unix") kernel.chmod(address.path, 0o666);
  return kernel.listen(fd, options.backlog);
}

/** The local address of a socket; after binding port 0, with the port that the kernel chose. */
export function localAddress(kernel: Kernel, fd: number): SocketAddress {
  const block = new Block(SOCKADDR_STORAGE);
  kernel.getsockname(fd, block);
  return decodeAddress(block);
}

export class Listener implements Source, Unfinished {
  private watching = false;
  /** Called when a retiring listener has closed; null: it does not retire. */
  private closed: (() => void) | null = null;
  private retiringTurns = 0;
  private quietTurns = 0;
  /** Receives the peer's struct sockaddr of the connection being accepted. */
  private readonly peer = new Block(SOCKADDR_STORAGE);

  /**
   * @param accepted takes a new descriptor and its peer's struct sockaddr; false: accept no more for now
   * @param exhausted called when accept4 failed for lack of descriptors or memory (-errno): it should pause the listeners
   */
  constructor(
    private readonly kernel: Kernel,
    private readonly reactor: Reactor,
    readonly fd: number,
    private readonly accepted: (fd: number, peer: Block) => boolean,
    private readonly exhausted: (error: number) => void,
  ) {}

  /** Starts accepting. 0, or -errno. Level-triggered, so epoll reports again what a batch leaves in the queue. */
  resume(): number {
    if (this.watching) return 0;
    const n = this.reactor.add(this, EPOLLIN);
    this.watching = n === 0;
    return n;
  }

  get paused(): boolean {
    return !this.watching;
  }

  /** Stops accepting; new connections stay in the kernel's queue. */
  pause(): void {
    if (this.watching) this.reactor.remove(this);
    this.watching = false;
  }

  close(): void {
    this.watching = false;
    this.reactor.close(this);
  }

  /** Accepts the connections still in the kernel's queue, then closes and calls `closed`. It closes once turns bring no more connections. */
  retire(closed: () => void): void {
    this.closed = closed;
    this.retiringTurns = this.quietTurns = 0;
    this.reactor.again(this);
  }

  /** Cancels the retirement. */
  cancelRetirement(): void {
    this.closed = null;
  }

  /** Ends the retirement: closes now. */
  closeNow(): void {
    const { closed } = this;
    this.closed = null;
    this.close();
    closed?.();
  }

  onTurn(): void {
    if (this.closed === null) return;
    const isOver = ++this.quietTurns > QUIET_TURNS || ++this.retiringTurns > MOST_RETIRING_TURNS;
    if (isOver) this.closeNow();
    else this.reactor.again(this);
  }

  onEvents(): void {
    this.quietTurns = 0;
    for (let i = 0; i < ACCEPTS_PER_TURN && this.watching; i++) {
      const fd = this.kernel.accept(this.fd, this.peer);
      if (fd >= 0) {
        if (!this.accepted(fd, this.peer)) return;
      } else if (fd === -ERRNO.EAGAIN) return;
      else if (isExhaustion(fd)) return this.exhausted(fd);
      // Any other error (ECONNABORTED, EPROTO, EINTR, a network error) concerns one connection; accept(2) says to try the next.
    }
  }
}

function isExhaustion(error: number): boolean {
  return error === -ERRNO.EMFILE || error === -ERRNO.ENFILE || error === -ERRNO.ENOBUFS || error === -ERRNO.ENOMEM;
}
