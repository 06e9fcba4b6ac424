/** UDP sockets that are connected to a peer, as udp(7) and net/ipv4/udp.c have them. Datagrams are late, lost and doubled as the seed says. */
import { EPOLLERR, EPOLLIN, EPOLLOUT } from "../../ffi/abi.ts";
import { ERRNO } from "../../ffi/errno.ts";
import type { Block } from "../../ffi/memory.ts";
import { Misuse } from "./descriptors.ts";
import type { Environment } from "./environment.ts";
import { Pollable } from "./epoll.ts";

/** A peer: gets a datagram, and may call `reply` with datagrams, now or later. */
export type DatagramServer = (datagram: Buffer, reply: (answer: Buffer) => void) => void;

/** The part of the network that is asked for peers. */
interface Peers {
  datagramServer(address: Buffer): DatagramServer | undefined;
}

/** Longest time that a datagram is on its way, ms. */
const LONGEST_LATENCY = 30;

export class DatagramSocket extends Pollable {
  private readonly waiting: Buffer[] = [];
  private peer: Buffer | null = null;
  /** sk_err: a positive errno, reported once. */
  private error = 0;
  private isClosed = false;
  private mayReceive = false;

  constructor(
    private readonly peers: Peers,
    private readonly environment: Environment,
  ) {
    super();
  }

  describe(): string {
    return "a UDP socket";
  }

  poll(): number {
    return EPOLLOUT | (this.waiting.length > 0 ? EPOLLIN : 0) | (this.error > 0 ? EPOLLERR | EPOLLIN : 0);
  }

  override reported(events: number): void {
    if (events & (EPOLLIN | EPOLLERR)) this.mayReceive = true;
  }

  connect(address: Buffer): number {
    this.peer = address;
    return 0;
  }

  send(block: Block, offset: number, length: number): number {
    if (this.peer === null) throw new Misuse("send on a UDP socket without a peer");
    if (this.error > 0) return -this.takeError();
    if (this.environment.faults.strikes("EAGAIN")) return -ERRNO.EAGAIN;
    const datagram = Buffer.from(block.bytes.subarray(offset, offset + length));
    const server = this.peers.datagramServer(this.peer);
    if (server === undefined) this.later(() => this.unreachable());
    else this.carry(() => server(datagram, (answer) => this.carry(() => this.arrive(answer))));
    return length;
  }

  /** The whole next datagram, or as much of it as fits. */
  recv(block: Block, offset: number, length: number): number {
    if (!this.mayReceive) throw new Misuse("recv on a UDP socket that epoll has not reported since it was drained");
    if (this.error > 0) return -this.takeError();
    const datagram = this.waiting.shift();
    if (datagram === undefined) {
      this.mayReceive = false;
      return -ERRNO.EAGAIN;
    }
    return datagram.copy(block.bytes, offset, 0, length);
  }

  closed(): void {
    this.isClosed = true;
    this.forgetWatches();
  }

  /** Takes a datagram through the network. */
  private carry(arrive: () => void): void {
    const { faults } = this.environment;
    if (!faults.strikes("lost datagram")) this.later(arrive);
    if (faults.strikes("doubled datagram")) this.later(arrive);
  }

  private arrive(datagram: Buffer): void {
    if (this.isClosed) return;
    this.waiting.push(datagram);
    this.wake(EPOLLIN);
  }

  /** ICMP: nobody listens at the port. */
  private unreachable(): void {
    if (this.isClosed) return;
    this.error = ERRNO.ECONNREFUSED;
    this.wake(0);
  }

  private takeError(): number {
    const { error } = this;
    this.error = 0;
    return error;
  }

  private later(action: () => void): void {
    const { clock, random } = this.environment;
    clock.after(random.fraction() * LONGEST_LATENCY, action);
  }
}
