/** A way to one DNS server: datagrams, or a connection (RFC 1035 §4.2). One is opened for each attempt, so the kernel chooses another, random, port each time. */
import { EPOLLET, EPOLLIN, SOCK_DGRAM, SOCKADDR_STORAGE } from "../../../ffi/abi.ts";
import { ERRNO } from "../../../ffi/errno.ts";
import type { SocketAddress } from "../../../ffi/inet.ts";
import type { Kernel } from "../../../ffi/kernel.ts";
import { Block } from "../../../ffi/memory.ts";
import { encodeAddress, familyNumber } from "../address.ts";
import { connectTo } from "../outgoing.ts";
import type { Reactor, Source } from "../reactor.ts";
import type { Socket } from "../socket.ts";

/** A server that sends more datagrams than this in one turn waits for the next. */
const MESSAGES_PER_TURN = 64;
/** Bytes before each message of a connection: its length. */
const PREFIX = 2;
const LARGEST_MESSAGE = 0xffff;

/** Who asks. */
export interface ChannelOwner {
  /** A message has come. It is valid during the call. */
  onMessage(message: Buffer): void;
  /** The server cannot be reached, or has ended the connection. The channel is still to be closed. */
  onLost(): void;
}

export interface Channel {
  /** Sends a message. 0, or -errno. */
  send(message: Buffer): number;
  /** Closes it; called once. */
  close(): void;
}

/** What a channel is made of. */
export interface Wires {
  readonly kernel: Kernel;
  readonly reactor: Reactor;
  /** Memory for a message, shared: it is used within one call. */
  readonly scratch: Block;
}

const NOBODY = { onReady() {} };
const PLAIN = { from: null, transparent: false, keepalive: false };

/** Makes the memory that channels share. */
export const channelMemory = (): Block => new Block(PREFIX + LARGEST_MESSAGE);

/** A socket that sends datagrams to `address`, and gets those from there only. Its descriptor, or -errno. */
function datagramSocket(kernel: Kernel, address: SocketAddress): number {
  const fd = kernel.socket(familyNumber[address.family], SOCK_DGRAM);
  if (fd < 0) return fd;
  const block = new Block(SOCKADDR_STORAGE);
  const n = kernel.connect(fd, block, encodeAddress(address, block));
  if (n < 0) kernel.close(fd);
  return n < 0 ? n : fd;
}

/** Datagrams to and from one server; the kernel drops those of others. */
export class DatagramChannel implements Channel, Source {
  private closed = false;

  private constructor(
    private readonly wires: Wires,
    readonly fd: number,
    private readonly owner: ChannelOwner,
  ) {}

  /** Opens one; or -errno. */
  static open(wires: Wires, address: SocketAddress, owner: ChannelOwner): DatagramChannel | number {
    const fd = datagramSocket(wires.kernel, address);
    if (fd < 0) return fd;
    const channel = new DatagramChannel(wires, fd, owner);
    const n = wires.reactor.add(channel, EPOLLIN | EPOLLET);
    if (n === 0) return channel;
    wires.kernel.close(fd);
    return n;
  }

  send(message: Buffer): number {
    const { kernel, scratch } = this.wires;
    message.copy(scratch.bytes);
    const n = kernel.send(this.fd, scratch, 0, message.length);
    return n === -ERRNO.EAGAIN ? 0 : Math.min(n, 0); // no room is as good as lost: it is sent again later
  }

  onEvents(): void {
    const { kernel, reactor, scratch } = this.wires;
    for (let count = 0; !this.closed; count++) {
      if (count === MESSAGES_PER_TURN) return reactor.again({ onTurn: () => this.onEvents() });
      const n = kernel.recv(this.fd, scratch, 0, scratch.bytes.length);
      if (n >= 0) this.owner.onMessage(scratch.bytes.subarray(0, n));
      else if (n === -ERRNO.EAGAIN) return;
      else if (n !== -ERRNO.EINTR) return this.owner.onLost(); // an ICMP message: nobody listens there
    }
  }

  close(): void {
    this.closed = true;
    this.wires.reactor.close(this);
  }
}

/** A connection to one server, for one question. */
export class StreamChannel implements Channel {
  /** What is not sent yet. */
  private output: Buffer = Buffer.alloc(0);
  /** What has come of the reply, with its length in front. */
  private input: Buffer = Buffer.alloc(0);
  private connected: boolean;
  private closed = false;

  private constructor(
    private readonly wires: Wires,
    private readonly socket: Socket,
    private readonly owner: ChannelOwner,
  ) {
    socket.owner = this;
    this.connected = socket.writable;
  }

  /** Begins to connect; or -errno. */
  static open(wires: Wires, address: SocketAddress, owner: ChannelOwner): StreamChannel | number {
    const socket = connectTo(wires.kernel, wires.reactor, address, NOBODY, PLAIN);
    return typeof socket === "number" ? socket : new StreamChannel(wires, socket, owner);
  }

  send(message: Buffer): number {
    const prefix = Buffer.alloc(PREFIX);
    prefix.writeUInt16BE(message.length);
    this.output = Buffer.concat([this.output, prefix, message]);
    this.flush();
    return 0;
  }

  onReady(): void {
    if (!this.connected && this.socket.connectError() !== 0) return this.owner.onLost();
    this.connected = true;
    this.flush();
    this.receive();
    if (this.socket.lost && !this.closed) this.owner.onLost();
  }

  private flush(): void {
    const { scratch } = this.wires;
    const { socket, output } = this;
    if (output.length === 0 || !socket.writable || socket.lost) return;
    output.copy(scratch.bytes);
    const n = socket.send(scratch, 0, output.length);
    if (n > 0) this.output = output.subarray(n);
  }

  private receive(): void {
    const { scratch } = this.wires;
    const { socket } = this;
    while (!this.closed && socket.readable && !socket.lost) {
      const n = socket.receive(scratch, 0, scratch.bytes.length);
      if (n === 0) return this.owner.onLost();
      if (n < 0) return;
      this.input = Buffer.concat([this.input, scratch.bytes.subarray(0, n)]);
      this.deliver();
    }
  }

  private deliver(): void {
    while (!this.closed && this.input.length >= PREFIX) {
      const end = PREFIX + this.input.readUInt16BE(0);
      if (this.input.length < end) return;
      const message = this.input.subarray(PREFIX, end);
      this.input = this.input.subarray(end);
      this.owner.onMessage(message);
    }
  }

  close(): void {
    this.closed = true;
    this.socket.close();
  }
}
