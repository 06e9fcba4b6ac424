/**
 * A connected socket under an edge-triggered epoll. `readable` and `writable` say whether a call may succeed: a call that
 * would block, or moves fewer bytes than asked, clears the flag, and the next edge sets it again. With an eager reactor both
 * flags of a new socket are set: often the request has arrived already, and a connection that is answered and closed at once
 * is never registered with epoll.
 * EPOLLOUT is requested only when the socket is full for the first time. Most sockets never are, and each registration for it
 * would cost one more event per connection (together 40 -> 35 us per connection and request, bench connect).
 */
import { EPOLLERR, EPOLLET, EPOLLHUP, EPOLLIN, EPOLLOUT, EPOLLRDHUP, SO_ERROR, SOL_SOCKET } from "../../ffi/abi.ts";
import { ERRNO } from "../../ffi/errno.ts";
import type { Kernel } from "../../ffi/kernel.ts";
import { Block } from "../../ffi/memory.ts";
import type { Reactor, Source } from "./reactor.ts";
import type { TcpInfo, Transport, TransportOwner } from "./transport.ts";

const EDGES = EPOLLIN | EPOLLRDHUP | EPOLLET;
const CONNECTION_ERRORS: readonly number[] = [-ERRNO.EPIPE, -ERRNO.ECONNRESET, -ERRNO.ETIMEDOUT];

/** struct tcp_info as far as it is read, and where in it are tcpi_rtt, tcpi_rttvar, tcpi_snd_cwnd and tcpi_rcv_space. */
const TCP_INFO = new Block(104);
const TCP_INFO_AT = [68, 72, 80, 96];

const NOBODY: TransportOwner = { onReady() {} };

export class Socket implements Transport, Source {
  owner = NOBODY;
  readable: boolean;
  writable: boolean;
  ended = false;
  broken = false;
  lost = false;
  private watching = false;
  private watchesWritable = false;
  /** The peer closed its side or reset the connection. Data before the end can still be read, and no further edge will come. */
  halfClosed = false;

  /**
   * @param fd non-blocking; this object owns it from now on
   * @param connected false: connect(2) is in progress. `owner.onReady` is called when it has succeeded or failed; `connectError` says which.
   */
  constructor(
    private readonly kernel: Kernel,
    private readonly reactor: Reactor,
    readonly fd: number,
    connected = true,
  ) {
    this.readable = this.writable = connected && reactor.eager;
  }

  /** Why the socket could not be connected (errno); 0: it is connected. */
  connectError(): number {
    const n = this.kernel.getsockopt(this.fd, SOL_SOCKET, SO_ERROR);
    if (n !== 0) this.lost = true;
    return Math.abs(n);
  }

  tcpInfo(): TcpInfo | null {
    if (this.kernel.tcpInfo(this.fd, TCP_INFO) < TCP_INFO.bytes.length) return null;
    const [rtt, rttvar, congestionWindow, receiveSpace] = TCP_INFO_AT.map((at) => TCP_INFO.bytes.readUInt32LE(at));
    return { rtt: rtt!, rttvar: rttvar!, congestionWindow: congestionWindow!, receiveSpace: receiveSpace! };
  }

  /** Registers with the reactor, once. 0, or -errno. */
  watch(): number {
    const n = this.reactor.add(this, this.writable ? EDGES : EDGES | EPOLLOUT);
    this.watching = n === 0;
    this.watchesWritable = !this.writable;
    return n;
  }

  /** The socket's send buffer is full; epoll reports when it has room. */
  private full(): void {
    this.writable = false;
    if (this.watchesWritable || !this.watching) return;
    this.watchesWritable = true;
    this.reactor.modify(this, EDGES | EPOLLOUT);
  }

  onEvents(events: number): void {
    if (events & (EPOLLIN | EPOLLRDHUP)) this.readable = true;
    if (events & EPOLLOUT) this.writable = true;
    if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) this.onHangup(events);
    this.owner.onReady();
  }

  private onHangup(events: number): void {
    this.halfClosed = true;
    this.readable = !this.ended;
    if (events & (EPOLLHUP | EPOLLERR)) this.broken = this.writable = true;
  }

  /** recv(2). */
  receive(block: Block, offset: number, length: number): number {
    let n = this.kernel.recv(this.fd, block, offset, length);
    while (n === -ERRNO.EINTR) n = this.kernel.recv(this.fd, block, offset, length);
    if (n <= 0) {
      this.readable = false;
      if (n === 0) this.ended = true;
      else if (n !== -ERRNO.EAGAIN) this.lost = true;
    } else if (n < length && !this.halfClosed) this.readable = false;
    return n;
  }

  /** send(2). */
  send(block: Block, offset: number, length: number): number {
    let n = this.kernel.send(this.fd, block, offset, length);
    while (n === -ERRNO.EINTR) n = this.kernel.send(this.fd, block, offset, length);
    if (n < length) this.full();
    if (n <= 0 && n !== -ERRNO.EAGAIN) this.lost = true;
    return n;
  }

  /** sendfile(2). A short count may also mean that the file has become shorter, so only -EAGAIN says that the socket is full. */
  sendFile(file: number, position: number, length: number): number {
    let n = this.kernel.sendfile(this.fd, file, position, length);
    while (n === -ERRNO.EINTR) n = this.kernel.sendfile(this.fd, file, position, length);
    if (n === -ERRNO.EAGAIN) this.full();
    else if (CONNECTION_ERRORS.includes(n)) this.lost = true;
    return n;
  }

  /** shutdown(2) with SHUT_WR. */
  shut(): void {
    this.kernel.shutdownWrite(this.fd);
  }

  close(reset = false): void {
    if (reset) this.kernel.resetOnClose(this.fd);
    this.reactor.close(this);
  }
}
