/**
 * A server of one page, either correct or with one mistake of a kind that real servers have had. The simulation must find each
 * mistake; this tests the simulation.
 */
import { ERRNO } from "../../ffi/errno.ts";
import { Block } from "../../ffi/memory.ts";
import { Listener, openListener } from "../../src/network/listener.ts";
import { Reactor } from "../../src/network/reactor.ts";
import { Socket } from "../../src/network/socket.ts";
import { Timed } from "../../src/network/timers.ts";
import type { TransportOwner } from "../../src/network/transport.ts";
import type { SimulatedKernel } from "./kernel.ts";
import type { Subject } from "./subject.ts";

export const MISTAKES = [
  "none",
  "ignores short sends",
  "reads once per edge and asks for no more",
  "forgets the descriptor of a broken connection",
  "closes twice",
  "reads without asking epoll",
  "spins when descriptors run out",
  "sends the body's first byte twice",
  "closes with unread data",
  "waits for ever for the rest of a request",
] as const;

export type Mistake = (typeof MISTAKES)[number];

const INPUT = 16;

/** Answers every request with the same page, in order, until the connection ends. */
class OnePage extends Timed implements TransportOwner {
  private readonly socket: Socket;
  private readonly input = new Block(INPUT);
  private text = "";
  private queue = new Block(1);
  private sent = 0;
  private queued = 0;

  constructor(
    private readonly server: PlantedServer,
    fd: number,
  ) {
    super();
    this.socket = new Socket(server.kernel, server.reactor, fd);
    this.socket.owner = this;
    server.streams.add(this);
    this.socket.watch();
    if (server.has("reads without asking epoll")) {
      while (server.kernel.recv(fd, this.input, 0, INPUT) !== 0) {} // a new connection may be read before epoll has reported it
    }
    this.patience();
  }

  private patience(): void {
    if (!this.server.has("waits for ever for the rest of a request"))
      this.server.reactor.timers.start(this, 5_000, this.server.reactor.now);
  }

  onTimeout(): void {
    this.end();
  }

  onReady(): void {
    while (this.socket.readable && this.queued === 0) {
      const n = this.socket.receive(this.input, 0, INPUT);
      if (n > 0) this.text += this.input.bytes.latin1Slice(0, n);
      if (n === 0 || (n < 0 && n !== -ERRNO.EAGAIN)) return this.end(n < 0);
      if (this.server.has("reads once per edge and asks for no more")) this.socket.readable = false;
      this.answer();
    }
    this.flush();
  }

  private answer(): void {
    for (let end = 0; (end = this.text.indexOf("\r\n\r\n")) >= 0; this.text = this.text.slice(end + 4)) {
      const { page } = this.server;
      const date = new Date(this.server.kernel.realtime()).toUTCString();
      const head = `HTTP/1.1 200 OK\r\nServer: planted\r\nDate: ${date}\r\nContent-Length: ${page.length}\r\n\r\n`;
      const wrong = this.server.has("sends the body's first byte twice");
      const body = wrong ? Buffer.concat([page.subarray(0, 1), page.subarray(0, -1)]) : page;
      this.enqueue(Buffer.concat([Buffer.from(head), body]));
      this.patience();
    }
  }

  private enqueue(bytes: Buffer): void {
    const rest = this.queue.bytes.subarray(this.sent, this.queued);
    const larger = new Block(rest.length + bytes.length);
    rest.copy(larger.bytes);
    bytes.copy(larger.bytes, rest.length);
    this.queue = larger;
    this.sent = 0;
    this.queued = larger.bytes.length;
  }

  private flush(): void {
    if (this.queued === 0 || !this.socket.writable) return;
    const n = this.socket.send(this.queue, this.sent, this.queued - this.sent);
    if (n < 0) return n === -ERRNO.EAGAIN ? undefined : this.end(true);
    this.sent += n;
    if (this.sent === this.queued || this.server.has("ignores short sends")) this.sent = this.queued = 0;
    if (this.queued === 0 && this.socket.readable) this.onReady();
    if (this.server.has("closes with unread data") && this.queued === 0) this.end();
  }

  private end(broken = false): void {
    if (!this.server.streams.delete(this)) return;
    this.server.reactor.timers.stop(this);
    if (broken && this.server.has("forgets the descriptor of a broken connection"))
      return this.server.reactor.remove(this.socket);
    this.socket.close();
    if (this.server.has("closes twice")) this.socket.close();
  }
}

class Pause extends Timed {
  constructor(private readonly listener: Listener) {
    super();
  }
  onTimeout(): void {
    this.listener.resume();
  }
}

class PlantedServer implements Subject {
  readonly reactor: Reactor;
  readonly streams = new Set<OnePage>();
  private readonly listener: Listener;

  constructor(
    readonly kernel: SimulatedKernel,
    readonly page: Buffer,
    private readonly mistake: Mistake,
  ) {
    this.reactor = new Reactor(kernel);
    const options = { backlog: 64, reuseport: false, ipv6only: true, deferred: false };
    const fd = openListener(kernel, { family: "ipv4", host: "0.0.0.0", port: 80 }, options);
    this.listener = new Listener(
      kernel,
      this.reactor,
      fd,
      (client) => this.accepted(client),
      () => this.exhausted(),
    );
    this.listener.resume();
  }

  has(mistake: Mistake): boolean {
    return this.mistake === mistake;
  }

  private accepted(fd: number): boolean {
    new OnePage(this, fd);
    return true;
  }

  private exhausted(): void {
    if (this.has("spins when descriptors run out")) return;
    this.listener.pause();
    this.reactor.timers.start(new Pause(this.listener), 500, this.reactor.now);
  }

  turn(timeout: number): void {
    this.reactor.turn(timeout);
  }

  descriptors(): Iterable<number> {
    const watched = [...this.reactor.descriptors()];
    return watched.includes(this.listener.fd) ? watched : [...watched, this.listener.fd];
  }

  stop(): void {
    this.listener.close();
    this.reactor.dispose();
  }
}

/** Starts the server with a mistake. */
export const startPlanted =
  (page: Buffer, mistake: Mistake) =>
  (kernel: SimulatedKernel): Subject =>
    new PlantedServer(kernel, page, mistake);
