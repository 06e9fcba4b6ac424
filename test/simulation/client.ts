/**
 * A scripted client: what it does and when is a list of steps in virtual time. It hears of nothing but bytes, the
 * end and a reset, as a client does, and gives what it gets to its Replies.
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
  /** The connection was refused, or is over as far as the client can see: it has seen the end, reset it or vanished. */
  over = false;
  /** Virtual ms of the first SYN, and of the moment the connection was over. */
  startedAt = 0;
  endedAt = 0;
  /** It behaves: quick, patient, and keeps the connection until the server ends it or everything is answered. */
  polite = true;

  /** What it got that no correct server sends. Kept, not thrown: it arrives in the middle of some call of the server. */
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

  /** From here on it sends in pieces of a random size. */
  cuts(bytes: number, pause: number): this {
    return this.step((done) => {
      this.cutting = { bytes, pause };
      done();
    });
  }

  /** From here on it reads so. */
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

  /** Only the first `length` bytes of a request; the rest is for `raw`, or never comes. */
  begins(request: Request, length: number): this {
    this.requests.push(request);
    return this.raw(request.bytes.subarray(0, length));
  }

  /** Sends bytes as they are. */
  raw(bytes: Buffer): this {
    return this.step((done) => this.sendFrom(bytes, 0, done));
  }

  pauses(milliseconds: number): this {
    return this.step((done) => this.kernel.clock.after(milliseconds, done));
  }

  /** Waits until everything asked so far is answered, or the connection is lost. */
  awaits(): this {
    const count = this.requests.length;
    return this.step((done) => {
      this.until(() => this.replies.complete >= count || this.replies.closing || this.over, done);
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

  /** Sends FIN and goes on reading. */
  halfCloses(): this {
    return this.step((done) => {
      this.connection!.peerFinish();
      done();
    });
  }

  /** Adds to the script when its time has come: what follows from replies. */
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

  /** Is never heard of again: sends nothing, takes nothing, acknowledges nothing. */
  vanishes(): this {
    this.polite = false;
    return this.step(() => this.end());
  }

  /** Its own misfortune is no fault of the server. */
  impolitely(): this {
    this.polite = false;
    return this;
  }

  /** What it gets is not looked at: it asks for nothing sensible. */
  unchecked(): this {
    this.checked = false;
    return this.impolitely();
  }

  /** Goes on with its script when the server has shut its side. */
  stubbornly(): this {
    this.stubborn = true;
    return this.impolitely();
  }

  private step(step: Step): this {
    this.script.push(step);
    return this;
  }

  // The run

  /** Connects, `delay` ms from now, and does what the script says; then it waits for all replies, and leaves. */
  start(delay: number): void {
    this.kernel.clock.after(delay, () => {
      this.startedAt = this.kernel.clock.now;
      this.connect();
    });
  }

  /** The server and the client are done with each other. */
  get finished(): boolean {
    return this.over && (this.connection === null || this.connection.closedByServer);
  }

  /** How long the server kept the connection, ms from the client's SYN; NaN while it is open. */
  get kept(): number {
    return this.connection!.closedAt - this.startedAt;
  }

  /** How long the server kept the connection after the client was done with it, ms. */
  get closedAfter(): number {
    return this.connection!.closedAt - this.endedAt;
  }

  /** It got every reply it can expect, whole. */
  get satisfied(): boolean {
    const closing = this.requests.findIndex(({ expected }) => expected.closes === true);
    return this.replies.complete === (closing < 0 ? this.requests.length : closing + 1) || this.replies.closing;
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

  /** The network has something: the client takes it when it is hungry. */
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
