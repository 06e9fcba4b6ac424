/**
 * A TCP connection between the server's descriptor and a simulated peer. The order of checks, the masks and the wake-ups
 * follow net/ipv4/tcp.c (tcp_poll, tcp_recvmsg, tcp_sendmsg, tcp_close, tcp_reset).
 */
import { EPOLLERR, EPOLLHUP, EPOLLIN, EPOLLOUT, EPOLLRDHUP } from "../../ffi/abi.ts";
import { ERRNO } from "../../ffi/errno.ts";
import type { Block } from "../../ffi/memory.ts";
import { ByteQueue } from "./bytes.ts";
import { Misuse } from "./descriptors.ts";
import type { ConnectionOptions, Environment, Peer } from "./environment.ts";
import { Pollable } from "./epoll.ts";

export class Connection extends Pollable {
  private readonly incoming: ByteQueue;
  private readonly outgoing: ByteQueue;
  /** Bytes that the peer has sent but that did not fit into the receive buffer. */
  private readonly onTheWay = new ByteQueue();
  private finOnTheWay = false;

  /** Number of bytes of `incoming` that a fault hides for a moment. */
  private withheld = 0;
  /** A fault pretends that the send buffer is full. */
  private choked = false;
  /** SOCK_NOSPACE: the server was told that the buffer is full, and waits for space. */
  private noSpace = false;

  private peerFinished = false;
  private finished = false;
  /** The connection ended with a reset, from either side. */
  wasReset = false;
  private isClosed = false;
  private resetsOnClose = false;
  /** Virtual ms at which the server closed its descriptor. */
  closedAt = Number.NaN;
  /** sk_err: a positive errno, reported once. */
  private error = 0;

  // Readiness that epoll has reported to the server, and that no later call (EAGAIN, or a short count) has ended.
  /** The server may try a new connection before epoll has reported it. */
  private mayReceive: boolean;
  private maySend: boolean;
  private readToTheEnd = false;
  /** The server may hear of the readiness after it has used it up: then it may try once in vain. */
  private receivesTwice = false;
  private sendsTwice = false;

  constructor(
    private readonly environment: Environment,
    private readonly options: ConnectionOptions,
    private readonly peer: Peer,
    /** The server's own sockaddr on this connection. */
    readonly localAddress: Buffer,
    readonly peerAddress: Buffer,
    /** connect(2) is in progress. */
    private connecting = false,
  ) {
    super();
    this.mayReceive = this.maySend = !connecting;
    this.incoming = new ByteQueue(options.receiveBuffer);
    this.outgoing = new ByteQueue(options.sendBuffer);
  }

  describe(): string {
    return "a connection";
  }

  // The server's end

  poll(): number {
    if (this.connecting) return 0;
    let mask = 0;
    if (this.error) mask |= EPOLLERR;
    if (this.wasReset || (this.peerFinished && this.finished)) mask |= EPOLLHUP;
    if (this.wasReset || this.peerFinished) mask |= EPOLLIN | EPOLLRDHUP;
    if (this.incoming.length > this.withheld) mask |= EPOLLIN;
    if (this.finished || this.hasRoom) mask |= EPOLLOUT;
    else this.noSpace = true;
    return mask;
  }

  override reported(events: number): void {
    if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) this.mayReceive = true;
    if (events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) this.maySend = true;
    if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) this.readToTheEnd = true;
  }

  override reportedBehindOthers(): void {
    this.receivesTwice = this.mayReceive;
    this.sendsTwice = this.maySend;
  }

  private drained(): void {
    if (!this.receivesTwice) this.mayReceive = false;
    this.receivesTwice = false;
  }

  private filled(): void {
    if (!this.sendsTwice) this.maySend = false;
    this.sendsTwice = false;
  }

  recv(block: Block, offset: number, length: number): number {
    if (!this.mayReceive)
      throw new Misuse("recv on a socket that epoll has not reported readable since it was drained");
    if (this.environment.faults.strikes("ECONNRESET")) this.peerReset();
    const available = this.incoming.length - this.withheld;
    if (available === 0) return this.recvNothing();
    const count = this.shortRecv(Math.min(available, length));
    if (count === 0) return this.recvBlocks();
    this.incoming.shift(block.bytes, offset, count);
    if (count < length && !this.readToTheEnd) this.drained();
    if (this.onTheWay.length > 0 || this.finOnTheWay) this.later(() => this.arrive());
    return count;
  }

  private recvNothing(): number {
    if (this.peerFinished) return 0;
    if (this.error) return -this.takeError();
    return this.wasReset ? 0 : this.recvBlocks();
  }

  private recvBlocks(): number {
    this.drained();
    return -ERRNO.EAGAIN;
  }

  /** The bytes the server sees of `count`. A fault may hide some or all of them, but not after the FIN, when all must have arrived. */
  private shortRecv(count: number): number {
    if (this.peerFinished || this.wasReset) return count;
    const { faults } = this.environment;
    let shown = count;
    if (faults.strikes("EAGAIN")) shown = 0;
    else if (count > 1 && faults.strikes("short recv")) shown = faults.shorter(count);
    if (shown < count && this.withheld === 0) this.later(() => this.release());
    if (shown < count) this.withheld = this.incoming.length - shown;
    return shown;
  }

  private release(): void {
    this.withheld = 0;
    if (this.incoming.length > 0) this.wake(EPOLLIN);
  }

  send(block: Block, offset: number, length: number): number {
    const count = this.admit(length, "short send");
    if (count <= 0) return count;
    this.outgoing.push(block.bytes, offset, offset + count);
    this.tellPeer();
    return count;
  }

  /** sendfile(2). `content` is the file's content from the position, at most `length` bytes. */
  sendfile(content: Buffer, length: number): number {
    if (content.length === 0) return 0;
    const count = this.admit(Math.min(content.length, length), "short sendfile");
    if (count <= 0) return count;
    this.outgoing.push(content, 0, count);
    this.tellPeer();
    return count;
  }

  /** How many of `length` bytes the send buffer accepts now, or -errno. */
  private admit(length: number, shortFault: "short send" | "short sendfile"): number {
    const { faults } = this.environment;
    if (!this.maySend) throw new Misuse("send on a socket that epoll has not reported writable since it was full");
    if (this.finished) throw new Misuse("send after shutdownWrite");
    if (faults.strikes("ECONNRESET")) this.peerReset();
    if (faults.strikes("EPIPE")) {
      this.peerFinish();
      this.peerReset();
    }
    if (this.error) return -this.takeError();
    if (this.wasReset) return -ERRNO.EPIPE;
    let count = this.choked ? 0 : Math.min(length, this.outgoing.free);
    if (count > 0 && faults.strikes("EAGAIN")) count = this.choke(0);
    else if (count > 1 && faults.strikes(shortFault)) count = this.choke(faults.shorter(count));
    if (count < length) this.noSpace = true;
    // A short sendfile can also mean a short file, so only EAGAIN shows that the buffer is full.
    if (count === 0 || (count < length && shortFault === "short send")) this.filled();
    return count === 0 ? -ERRNO.EAGAIN : count;
  }

  private choke(count: number): number {
    this.choked = true;
    this.later(() => {
      this.choked = false;
      this.roomMade();
    });
    return count;
  }

  shutdownWrite(): number {
    if (this.wasReset) return -ERRNO.ENOTCONN;
    this.finished = true;
    this.tellPeer();
    this.wake(0);
    if (!this.peerFinished) this.later(() => this.wake(0)); // the peer's ACK of the FIN
    return 0;
  }

  /** close(2). With unread bytes it resets, and the peer loses the bytes it has not read. Otherwise the buffered bytes are still sent. */
  closed(): void {
    this.isClosed = true;
    this.closedAt = this.environment.clock.now;
    this.forgetWatches();
    if (this.incoming.length > 0 || this.onTheWay.length > 0 || this.resetsOnClose) return this.abort();
    this.tellPeer();
  }

  /** SO_LINGER with a time of 0. */
  resetOnClose(): number {
    this.resetsOnClose = true;
    return 0;
  }

  /** The peer resets the connection before the server has accepted it. */
  lost(): void {
    this.isClosed = true;
    this.abort();
  }

  private abort(): void {
    this.wasReset = true;
    this.outgoing.clear();
    this.tellPeer();
  }

  /** The end of connect(2). */
  answered(accepted: boolean): void {
    if (this.isClosed) return;
    this.connecting = false;
    if (accepted) return this.wake(EPOLLOUT);
    this.wasReset = true;
    this.error = ERRNO.ECONNREFUSED;
    this.wake(0);
  }

  /** sk_err, as SO_ERROR gives it. */
  takeError(): number {
    const { error } = this;
    this.error = 0;
    return error;
  }

  /** sk_stream_is_writeable: a third of the buffer is free. */
  private get hasRoom(): boolean {
    return !this.choked && this.outgoing.free >= this.outgoing.length / 2;
  }

  private roomMade(): void {
    if (!this.noSpace || !this.hasRoom) return;
    this.noSpace = false;
    this.wake(EPOLLOUT);
  }

  /** The server has closed its descriptor. */
  get closedByServer(): boolean {
    return this.isClosed;
  }

  // The peer's end

  /** Sends bytes. Those that do not fit into the receive buffer wait in the network. */
  peerSend(bytes: Buffer): void {
    if (this.wasReset) return;
    this.onTheWay.push(bytes, 0, bytes.length);
    this.later(() => this.arrive());
  }

  /** Sends FIN after all bytes sent before. */
  peerFinish(): void {
    this.finOnTheWay = true;
    this.later(() => this.arrive());
  }

  peerReset(): void {
    if (this.wasReset) return;
    this.wasReset = true;
    this.error = this.peerFinished ? ERRNO.EPIPE : ERRNO.ECONNRESET;
    this.withheld = 0;
    this.onTheWay.clear();
    this.outgoing.clear();
    this.wake(0);
    this.tellPeer();
  }

  /** Reads at most `limit` of the bytes that the server has sent. */
  peerTake(limit: number): Buffer {
    const taken = Buffer.allocUnsafe(Math.min(limit, this.peerAvailable));
    this.outgoing.shift(taken, 0, taken.length);
    this.roomMade();
    return taken;
  }

  /** Bytes that the server has not received. */
  get peerUnread(): number {
    return this.onTheWay.length + this.incoming.length;
  }

  get peerAvailable(): number {
    return this.outgoing.length;
  }

  /** Whether the peer has read everything and has seen the server's FIN or reset. */
  get peerAtEnd(): boolean {
    return this.wasReset || ((this.finished || this.isClosed) && this.outgoing.length === 0);
  }

  private arrive(): void {
    if (this.wasReset) return;
    if (this.isClosed) return this.onTheWay.length > 0 ? this.abort() : undefined;
    const { onTheWay, incoming } = this;
    const count = Math.min(onTheWay.length, incoming.free);
    const ends = this.finOnTheWay && onTheWay.length === count && !this.peerFinished;
    if (count === 0 && !ends) return;
    const bytes = Buffer.allocUnsafe(count);
    onTheWay.shift(bytes, 0, count);
    incoming.push(bytes, 0, count);
    if (ends) {
      this.peerFinished = true;
      this.withheld = 0;
    }
    this.wake(ends ? 0 : EPOLLIN);
  }

  private later(action: () => void): void {
    this.environment.clock.after(this.options.latency, action);
  }

  private tellPeer(): void {
    this.later(() => this.peer.notified());
  }
}
