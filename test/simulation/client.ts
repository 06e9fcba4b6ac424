/**
 * A scripted client. Its script is a list of steps in virtual time. Like a real client it sees only bytes, the end and a reset.
 * It passes received bytes to its Replies, which check them.
 */
import { AF_UNIX } from "../../ffi/abi.ts";
import type { Connection } from "./connection.ts";
import type { ConnectionOptions, Peer } from "./environment.ts";
import type { SimulatedKernel } from "./kernel.ts";
import type { Socket } from "./listener.ts";
import type { Random } from "./random.ts";
import { Replies, type Tolerance, type Violation } from "./replies.ts";
import { get, type Request } from "./site.ts";

/** How a client sends: pieces of at most `bytes`, with at most `pause` ms between them. */
export interface Cuts {
  readonly bytes: number;
  readonly pause: number;
}

/** How a client reads: at most `bytes` every `every` ms; 0 bytes: not at all. */
export interface Appetite {
  readonly bytes: number;
  readonly every: number;
}

const SYN_RETRY = 1000;

type Step = (done: () => void) => void;

export class Client implements Peer {
  readonly requests: Request[] = [];
  readonly replies: Replies;
  connection: Connection | null = null;
  /** The connection was refused, or has ended for the client: it has seen the end, has reset it or has vanished. */
  over = false;
  /** Virtual ms of the first SYN, and of the end of the connection. */
  startedAt = 0;
  endedAt = 0;
  /** A polite client: it is quick, waits, and keeps the connection until the server ends it or all requests are answered. */
  polite = true;

  /** The first received bytes that a correct server never sends. Stored, not thrown, because they arrive during a call of the server. */
  violation: Violation | null = null;

  private readonly script: Step[] = [];
  private cutting: Cuts = { bytes: Number.POSITIVE_INFINITY, pause: 0 };
  private appetite: Appetite = { bytes: 1 << 20, every: 0 };
  private reading = false;
  private gone = false;
  private stubborn = false;
  private checked = true;
  private wakeUp: (() => boolean) | null = null;
  private port: number | "unix" = 80;

  constructor(
    private readonly kernel: SimulatedKernel,
    private readonly random: Random,
    private readonly options: ConnectionOptions,
    tolerance: Tolerance,
    now: () => number,
  ) {
    this.replies = new Replies(this.requests, tolerance, now);
  }

  // The script

  /** Connects to this port instead of 80, or to the unix socket. */
  to(port: number | "unix"): this {
    this.port = port;
    return this;
  }

  /** The following steps send in pieces of random size. */
  cuts(bytes: number, pause: number): this {
    return this.step((done) => {
      this.cutting = { bytes, pause };
      done();
    });
  }

  /** The following steps read in this way. */
  reads(bytes: number, every: number): this {
    return this.step((done) => {
      this.appetite = { bytes, every };
      this.notified();
      done();
    });
  }

  /** Sends requests without waiting for replies. */
  sends(...requests: Request[]): this {
    this.requests.push(...requests);
    return this.raw(Buffer.concat(requests.map(({ bytes }) => bytes)));
  }

  gets(...targets: string[]): this {
    return this.sends(...targets.map((target) => get(target)));
  }

  /** Sends only the first `length` bytes of a request. `raw` may send the rest. */
  begins(request: Request, length: number): this {
    this.requests.push(request);
    return this.raw(request.bytes.subarray(0, length));
  }

  /** Sends bytes unchanged. */
  raw(bytes: Buffer): this {
    return this.step((done) => this.sendFrom(bytes, 0, done));
  }

  pauses(milliseconds: number): this {
    return this.step((done) => this.kernel.clock.after(milliseconds, done));
  }

  /** Waits until all requests sent so far are answered, or the connection is lost. */
  awaits(): this {
    const count = this.requests.length;
    return this.step((done) => {
      this.until(() => this.replies.complete >= count || this.replies.closed || this.over, done);
    });
  }

  /** Waits for 100 (Continue), or for a final reply instead. */
  awaitsContinue(): this {
    return this.step((done) => this.until(() => this.replies.continued || this.replies.complete > 0, done));
  }

  /** Waits for the server to end the connection. */
  awaitsTheEnd(): this {
    return this.step((done) => this.until(() => this.over, done));
  }

  /** Sends FIN and continues to read. */
  halfCloses(): this {
    return this.step((done) => {
      this.connection!.peerFinish();
      done();
    });
  }

  /** Adds steps to the script when it reaches this step, so that they can depend on replies. */
  afterwards(more: () => void): this {
    return this.step((done) => {
      const rest = this.script.splice(0);
      more();
      this.script.push(...rest);
      done();
    });
  }

  resets(): this {
    this.polite = false;
    return this.step(() => {
      this.connection!.peerReset();
      this.end();
    });
  }

  /** Vanishes: from now on it sends nothing, reads nothing and acknowledges nothing. */
  vanishes(): this {
    this.polite = false;
    return this.step(() => this.end());
  }

  /** Marks the client as not polite: missing replies are not the server's fault. */
  impolitely(): this {
    this.polite = false;
    return this;
  }

  /** Does not check received bytes, because its requests are not valid. */
  unchecked(): this {
    this.checked = false;
    return this.impolitely();
  }

  /** Continues with its script after the server has shut down its side. */
  stubbornly(): this {
    this.stubborn = true;
    return this.impolitely();
  }

  private step(step: Step): this {
    this.script.push(step);
    return this;
  }

  // The run

  /** Connects `delay` ms from now and runs the script; then waits for all replies and closes. */
  start(delay: number): void {
    this.kernel.clock.after(delay, () => {
      this.startedAt = this.kernel.clock.now;
      this.connect();
    });
  }

  /** Whether the connection has ended on both sides. */
  get finished(): boolean {
    return this.over && (this.connection === null || this.connection.closedByServer);
  }

  /** How long the server kept the connection, ms from the client's SYN; NaN while it is open. */
  get kept(): number {
    return this.connection!.closedAt - this.startedAt;
  }

  /** How long the server kept the connection after the client had ended it, ms. */
  get closedAfter(): number {
    return this.connection!.closedAt - this.endedAt;
  }

  /** Whether it received every expected reply completely, or a complete one that says that no other follows. */
  get satisfied(): boolean {
    const closing = this.requests.findIndex(({ expected }) => expected.closes === true);
    return this.replies.complete === (closing < 0 ? this.requests.length : closing + 1) || this.replies.closed;
  }

  private connect(): void {
    const listeners = this.kernel.network.listeners();
    const isUnix = ({ family }: Socket) => family === AF_UNIX;
    const hasPort = ({ address }: Socket) => address!.readUInt16BE(2) === this.port;
    const listener = listeners.find(this.port === "unix" ? isUnix : (socket) => !isUnix(socket) && hasPort(socket));
    const connection = this.kernel.connectPeer(this, listener, this.options);
    if (typeof connection === "number") return this.end();
    if (connection === null) return this.kernel.clock.after(SYN_RETRY, () => this.connect());
    this.connection = connection;
    this.proceed();
  }

  private proceed(): void {
    if (this.gone) return;
    const step = this.script.shift();
    if (step) step(() => this.proceed());
    else
      this.until(
        () => this.over || this.satisfied,
        () => this.leave(),
      );
  }

  private leave(): void {
    this.connection!.peerFinish();
  }

  private sendFrom(bytes: Buffer, from: number, done: () => void): void {
    if (this.gone) return;
    if (from === bytes.length || this.over) return done();
    const { bytes: most, pause } = this.cutting;
    const end = Math.min(
      bytes.length,
      from + (most === Number.POSITIVE_INFINITY ? bytes.length : this.random.between(1, most)),
    );
    this.replies.sends(end - from);
    this.connection!.peerSend(bytes.subarray(from, end));
    this.kernel.clock.after(this.random.fraction() * pause, () => this.sendFrom(bytes, end, done));
  }

  private until(condition: () => boolean, done: () => void): void {
    this.wakeUp = () => {
      if (!condition()) return false;
      this.wakeUp = null;
      done();
      return true;
    };
    this.wakeUp();
  }

  /** Called when the network has something to read. The client reads it when its reading pace allows. */
  notified(): void {
    if (this.reading || this.gone || this.over || !this.connection || this.appetite.bytes === 0) return;
    this.reading = true;
    if (this.appetite.every === 0) this.take();
    else this.kernel.clock.after(this.appetite.every, () => this.take());
  }

  private take(): void {
    this.reading = false;
    if (this.gone || this.over) return;
    const connection = this.connection!;
    try {
      const bytes = connection.peerTake(this.appetite.bytes);
      if (this.checked) this.replies.feed(bytes);
    } catch (error) {
      this.violation = error as Violation;
      return this.end();
    }
    if (connection.peerAvailable > 0) this.notified();
    else if (connection.peerAtEnd) this.seesTheEnd();
    this.wakeUp?.();
  }

  private seesTheEnd(): void {
    if (this.stubborn && !this.connection!.wasReset) return;
    this.over = true;
    this.endedAt = this.kernel.clock.now;
    this.replies.end();
    this.connection!.peerFinish();
  }

  private end(): void {
    this.over = this.gone = true;
    this.endedAt = this.kernel.clock.now;
  }

  /** For messages. */
  toString(): string {
    const { complete, received, statuses } = this.replies;
    const state = this.over ? "over" : "waiting";
    return `${state}, ${complete} of ${this.requests.length} replies [${statuses}], ${this.replies.sent} bytes sent, ${received} received`;
  }
}
