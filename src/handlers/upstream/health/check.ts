/**
 * Active checks of one peer (`health_check`): a request now and then, whose reply must have a status of 2xx or 3xx. So many failures
 * in a row make the peer unhealthy, so many successes healthy again.
 *
 *     Pausing -> Connecting -> Sending -> AwaitingHead -> Draining -> Pausing
 */
import { ERRNO, errnoText } from "../../../../ffi/errno.ts";
import type { SocketAddress } from "../../../../ffi/inet.ts";
import type { Block } from "../../../../ffi/memory.ts";
import type { HealthCheck } from "../../../config/gateway.ts";
import type { LogLevel } from "../../../config/settings/logs.ts";
import type { Services } from "../../../exchange/services.ts";
import { ResponseReader } from "../../../http/response/reader.ts";
import type { BufferPool } from "../../../network/buffers.ts";
import { connectTo } from "../../../network/outgoing.ts";
import type { Socket } from "../../../network/socket.ts";
import { Timed } from "../../../network/timers.ts";
import type { TransportOwner } from "../../../network/transport.ts";
import type { Peer } from "../peer.ts";

/** What checks use of the server. */
export type CheckServices = Pick<Services, "kernel" | "clock" | "reactor" | "log"> & { readonly buffers: BufferPool };

const PIECE = 16 * 1024;
/** As `proxy_buffer_size`, generously. */
const HEAD_LIMIT = 16 * 1024;
/** Bytes of a reply that are read before the connection is closed: to close it before would look like an error to the peer. */
const MOST_DRAINED = 256 * 1024;
/** `jitter` is divided into so many steps, because timers of each duration have a list of their own. */
const JITTER_STEPS = 8;

enum State {
  Stopped,
  Pausing,
  Connecting,
  Sending,
  AwaitingHead,
  /** The result is known. */
  Draining,
}

export class PeerCheck extends Timed implements TransportOwner {
  private state = State.Stopped;
  private socket: Socket | null = null;
  private reader!: ResponseReader;
  private sent = 0;
  private drained = 0;
  /** Results in a row. */
  private passes = 0;
  private fails = 0;
  /** No check has ended yet. */
  private isFirst = true;

  /** @param chance gives whole numbers from 0 to 2^32 - 1 */
  constructor(
    readonly peer: Peer,
    private readonly settings: HealthCheck,
    /** Name of the upstream. */
    private readonly upstream: string,
    private readonly services: CheckServices,
    private readonly chance: () => number,
  ) {
    super();
  }

  /** Begins with a check at once. */
  start(): void {
    if (this.state !== State.Stopped) return;
    if (this.settings.mandatory && this.isFirst) this.peer.unhealthy = true;
    this.pause(this.jitter());
  }

  /** Checks no more. What the last check has found stays true. */
  stop(): void {
    this.disconnect();
    this.state = State.Stopped;
  }

  onTimeout(): void {
    if (this.state === State.Pausing) this.connect();
    else if (this.state === State.Draining) this.rest();
    else this.fail(`upstream timed out (${errnoText(-ERRNO.ETIMEDOUT)})`);
  }

  onReady(): void {
    if (this.state === State.Connecting) this.connected();
    if (this.state === State.Sending) this.send();
    if (this.state === State.AwaitingHead || this.state === State.Draining) this.receive();
  }

  private connect(): void {
    const { kernel, reactor } = this.services;
    this.state = State.Connecting;
    const socket = connectTo(kernel, reactor, this.address, this, { from: null, transparent: false, keepalive: false });
    if (typeof socket === "number") return this.fail(`connect() failed (${errnoText(socket)})`);
    this.socket = socket;
    this.limit(this.settings.connectTimeout);
    if (socket.writable) this.onReady();
  }

  private get address(): SocketAddress {
    const { address } = this.peer;
    const { port } = this.settings;
    return port === null || address.family === "unix" ? address : { ...address, port };
  }

  private connected(): void {
    const { socket } = this;
    if (!socket!.writable) return;
    const error = socket!.connectError();
    if (error !== 0) return this.fail(`connect() failed (${errnoText(-error)})`);
    if (this.settings.family !== "proxy") return this.finish(true); // other protocols: that it accepts connections is the check
    this.state = State.Sending;
    this.sent = this.drained = 0;
    this.reader = new ResponseReader({ headOnly: false, upgrade: false, headLimit: HEAD_LIMIT });
    this.limit(this.settings.readTimeout);
  }

  private send(): void {
    const text = `GET ${this.settings.uri} HTTP/1.0\r\nHost: ${this.upstream}\r\nConnection: close\r\n\r\n`;
    const n = this.withBlock((block) => {
      const length = block.bytes.latin1Write(text, 0);
      return this.socket!.send(block, this.sent, length - this.sent);
    });
    if (n === -ERRNO.EAGAIN) return;
    if (n < 0) return this.fail(`send() failed (${errnoText(n)})`);
    this.sent += n;
    if (this.sent === text.length) this.state = State.AwaitingHead;
  }

  private receive(): void {
    this.withBlock((block) => {
      while (this.socket?.readable) {
        const n = this.socket.receive(block, 0, PIECE);
        if (n === -ERRNO.EAGAIN) return;
        if (this.state === State.Draining) this.drain(n);
        else this.readHead(block, n);
      }
    });
  }

  private readHead(block: Block, n: number): void {
    if (n === 0) return this.fail("upstream prematurely closed connection");
    if (n < 0) return this.fail(`recv() failed (${errnoText(n)})`);
    const { reader } = this;
    if (reader.decode(block.bytes, 0, n) < 0) return this.fail(`upstream sent invalid header: ${reader.reason}`);
    if (reader.headLength === 0) return;
    const { status } = reader.head;
    this.record(status >= 200 && status < 400, "checking status code");
    if (reader.complete) this.rest();
    else this.state = State.Draining;
  }

  private drain(n: number): void {
    this.drained += Math.max(0, n);
    if (n <= 0 || this.drained > MOST_DRAINED) this.rest();
  }

  /** The check has failed before its reply could be judged. */
  private fail(reason: string): void {
    const doing = this.doing();
    // What is known to be down is not told as an error each time.
    this.log(this.peer.unhealthy ? "info" : "error", `${reason} ${doing}`);
    this.finish(false, doing.replace(/^while /, ""));
  }

  private finish(passed: boolean, doing = "connecting to upstream"): void {
    this.record(passed, doing);
    this.rest();
  }

  private doing(): string {
    if (this.state === State.Connecting) return "while connecting to upstream";
    return `while ${this.state === State.Sending ? "sending request to" : "reading response header from"} upstream`;
  }

  /** Counts a result, and makes the peer healthy or unhealthy. */
  private record(passed: boolean, doing: string): void {
    const { peer, settings } = this;
    this.passes = passed ? this.passes + 1 : 0;
    this.fails = passed ? 0 : this.fails + 1;
    const isChecked = settings.mandatory && this.isFirst;
    this.isFirst = false;
    if (passed && peer.unhealthy && (isChecked || this.passes >= settings.passes)) {
      peer.revive(this.services.clock.now);
      this.log("notice", `peer is healthy while ${doing}`);
    } else if (!passed && (isChecked || (!peer.unhealthy && this.fails >= settings.fails))) {
      peer.unhealthy = true;
      this.log("warn", `peer is unhealthy while ${doing}`);
    }
  }

  /** nginx Plus' words. */
  private log(level: LogLevel, text: string): void {
    const { peer, settings, upstream } = this;
    const port = settings.port === null ? "" : `, port ${settings.port}`;
    this.services.log(level, `${text}, health check "" of peer ${peer.name} in upstream "${upstream}"${port}`);
  }

  /** The check is over; the next follows. */
  private rest(): void {
    this.disconnect();
    this.pause(this.settings.interval + this.jitter());
  }

  private jitter(): number {
    return Math.floor(((this.chance() % JITTER_STEPS) * this.settings.jitter) / JITTER_STEPS);
  }

  private pause(duration: number): void {
    this.state = State.Pausing;
    this.limit(Math.max(1, duration));
  }

  private limit(duration: number): void {
    const { reactor } = this.services;
    reactor.timers.start(this, duration, reactor.now);
  }

  private disconnect(): void {
    this.services.reactor.timers.stop(this);
    this.socket?.close();
    this.socket = null;
  }

  private withBlock<T>(use: (block: Block) => T): T {
    const { buffers } = this.services;
    const block = buffers.take(PIECE);
    try {
      return use(block);
    } finally {
      buffers.release(block);
    }
  }
}
