/** Simulated ends of tunnels: clients that ask for an upgrade, and the server that grants it. Each end checks what it receives. */
import { AF_UNIX } from "../../ffi/abi.ts";
import { Block } from "../../ffi/memory.ts";
import { encodeAddress } from "../../src/network/address.ts";
import type { Connection } from "./connection.ts";
import type { ConnectionOptions } from "./environment.ts";
import type { Remote, RemotePeer, Socket } from "./listener.ts";
import type { Random } from "./random.ts";
import { pattern } from "./site.ts";
import type { World } from "./world.ts";

/** What one end does. */
export interface Plan {
  /** Bytes that it sends, in pieces with at most `pause` ms between them. */
  readonly length: number;
  readonly pause: number;
  /** It reads at most so many bytes every so many ms. */
  readonly reads: number;
  readonly every: number;
  /** What it does when it has sent them: FIN, reset, nothing until the other end has ended, or nothing at all any more. */
  readonly ends: "finish" | "reset" | "stay" | "vanish";
}

/** The salts of the bytes of clients and of servers. */
const SALT = { client: 11, server: 23 } as const;
/** Largest part of the bytes that is sent together with the head, or before the reply to it. */
const EARLY = 3000;
const SYN_RETRY = 1000;
/** The head that opens a tunnel. */
const SWITCHED = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: bytes\r\nConnection: Upgrade\r\n\r\n";

/** One end of a tunnel, on its own connection with the gateway. */
class End implements RemotePeer {
  connection: Connection | null = null;
  received = 0;
  /** It has seen the end of the other direction, or a reset. */
  sawEnd = false;
  /** Virtual ms at which it last sent or received. */
  movedAt = Number.NaN;
  /** It has received other bytes than were sent. */
  isWrong = false;
  private sent = 0;
  private readonly bytes: Buffer;
  private readonly expected: Buffer;
  private head = Buffer.alloc(0);
  private hasHead = false;
  /** The client's request got an error instead of a tunnel. */
  private wasRefused = false;
  private reading = false;
  private gone = false;
  private finished = false;

  constructor(
    private readonly world: World,
    private readonly random: Random,
    role: "client" | "server",
    private readonly plan: Plan,
    other: Plan,
    /** What it sends when it has the other's head; "": nothing. */
    private readonly answer: string,
  ) {
    this.bytes = pattern(plan.length, SALT[role]);
    this.expected = pattern(other.length, SALT[role === "client" ? "server" : "client"]);
  }

  /** Whether it has everything that the other end sends. */
  get hasAll(): boolean {
    return this.received === this.expected.length && this.sawEnd && !this.wasRefused;
  }

  /** The gateway has closed its side, and this end knows, or does not care. */
  get isOver(): boolean {
    return this.connection?.closedByServer === true && (this.sawEnd || this.gone);
  }

  connected(): void {
    this.notified();
  }

  /** Sends a head, perhaps with the first bytes of the tunnel. */
  sendsHead(head: string): void {
    const early = this.random.chance(0.4) ? Math.min(this.bytes.length, this.random.magnitude(1, EARLY)) : 0;
    this.connection!.peerSend(Buffer.concat([Buffer.from(head), this.bytes.subarray(0, early)]));
    this.sent = early;
  }

  notified(): void {
    if (this.reading || this.gone || this.sawEnd || this.connection === null) return;
    this.reading = true;
    this.world.kernel.clock.after(this.plan.every, () => this.take());
  }

  private take(): void {
    this.reading = false;
    const { connection, plan } = this;
    if (this.gone || this.sawEnd) return;
    const bytes = connection!.peerTake(plan.reads);
    this.accepts(bytes);
    if (connection!.peerAvailable > 0) return this.notified();
    if (connection!.peerAtEnd) this.seesTheEnd();
  }

  /** Bytes from the gateway: the head, then those of the tunnel. */
  accepts(bytes: Buffer): void {
    if (bytes.length > 0) this.movedAt = this.world.kernel.clock.now;
    if (this.wasRefused) return;
    const inTunnel = this.hasHead ? bytes : this.behindHead(bytes);
    const end = this.received + inTunnel.length;
    this.isWrong ||= !inTunnel.equals(this.expected.subarray(this.received, end));
    this.received = end;
  }

  /** The bytes behind the head; when that is complete, the end begins to send. */
  private behindHead(bytes: Buffer): Buffer {
    this.head = Buffer.concat([this.head, bytes]);
    const end = this.head.indexOf("\r\n\r\n");
    if (end < 0) return Buffer.alloc(0);
    this.hasHead = true;
    this.wasRefused = this.headText.startsWith("HTTP/1.1 502 ");
    if (this.wasRefused) {
      this.finish();
      return Buffer.alloc(0);
    }
    if (this.answer !== "") this.sendsHead(this.answer);
    this.sendOn();
    return this.head.subarray(end + 4);
  }

  /** The text of the other's head. */
  get headText(): string {
    return this.head.toString("latin1");
  }

  private sendOn(): void {
    const { connection, bytes, random, plan } = this;
    if (this.gone || this.wasRefused || connection!.wasReset) return;
    if (this.sent === bytes.length) return this.endsSending();
    const end = Math.min(bytes.length, this.sent + random.magnitude(1, 20_000));
    connection!.peerSend(bytes.subarray(this.sent, end));
    this.movedAt = this.world.kernel.clock.now;
    this.sent = end;
    this.world.kernel.clock.after(random.fraction() * plan.pause, () => this.sendOn());
  }

  private endsSending(): void {
    const { ends } = this.plan;
    if (ends === "finish" || (ends === "stay" && this.sawEnd)) this.finish();
    else if (ends !== "stay") this.gone = true;
    if (ends === "reset") this.connection!.peerReset();
  }

  private finish(): void {
    if (this.finished) return;
    this.finished = true;
    this.connection!.peerFinish();
  }

  /** It sends the rest of its bytes all the same; then it ends too. */
  private seesTheEnd(): void {
    this.sawEnd = true;
    if (this.connection!.wasReset) this.gone = true;
    else if (!this.hasHead || this.sent === this.bytes.length) this.finish();
  }
}

/** A tunnel: its client, and its server as soon as the gateway has connected. */
export class SimulatedTunnel {
  readonly client: End;
  server: End | null = null;
  /** The client could not connect. */
  private refused = false;

  constructor(
    private readonly world: World,
    private readonly options: ConnectionOptions,
    number: number,
    readonly plans: { readonly client: Plan; readonly server: Plan },
  ) {
    const { kernel, random } = world;
    this.client = new End(world, random.fork(), "client", plans.client, plans.server, "");
    const head = `GET /t/${number} HTTP/1.1\r\nHost: simulation\r\nUpgrade: bytes\r\nConnection: Upgrade\r\n\r\n`;
    kernel.clock.after(random.between(0, 1000), () => this.connect(head));
  }

  private connect(head: string): void {
    const { kernel } = this.world;
    const listener = kernel.network.listeners().find(({ family }: Socket) => family !== AF_UNIX);
    const connection = kernel.connectPeer(this.client, listener, this.options);
    if (connection === null) return kernel.clock.after(SYN_RETRY, () => this.connect(head));
    if (typeof connection === "number") this.refused = true;
    else {
      this.client.connection = connection;
      this.client.sendsHead(head);
    }
  }

  /** The gateway has connected for this client. */
  reached(connection: Connection): End {
    const { client, server } = this.plans;
    this.server = new End(this.world, this.world.random.fork(), "server", server, client, SWITCHED);
    this.server.connection = connection;
    return this.server;
  }

  /** Both connections have ended; or the client's, and no server was reached. */
  get isOver(): boolean {
    return this.refused || (this.client.isOver && this.server?.isOver !== false);
  }

  /** The gateway has closed whatever connections there were. */
  get isClosed(): boolean {
    return [this.client.connection, this.server?.connection].every((one) => one?.closedByServer !== false);
  }

  /** For messages. */
  toString(): string {
    const say = (end: End | null): string =>
      end === null ? "none" : `${end.received} received, end seen: ${end.sawEnd}`;
    return `client: ${say(this.client)} "${this.client.headText.slice(9, 12)}"; server: ${say(this.server)}; ${JSON.stringify(this.plans)}`;
  }
}

/** The server behind the gateway, at 10.0.0.1:8080. */
export class TunnelServer implements Remote {
  readonly tunnels: SimulatedTunnel[] = [];

  constructor(private readonly world: World) {
    world.afterEachTurn(() => {
      const wrong = this.tunnels.find(({ client, server }) => client.isWrong || server?.isWrong);
      if (wrong !== undefined) throw new Error(`wrong bytes: ${wrong}`);
    });
    const block = new Block(128);
    const length = encodeAddress({ family: "ipv4", host: "10.0.0.1", port: 8080 }, block);
    world.kernel.network.place(Buffer.from(block.bytes.subarray(0, length)), this);
  }

  /** A client that opens a tunnel within the first second. */
  tunnel(client: Plan, server: Plan): SimulatedTunnel {
    const tunnel = new SimulatedTunnel(this.world, this.link(), this.tunnels.length, { client, server });
    this.tunnels.push(tunnel);
    return tunnel;
  }

  private link(): ConnectionOptions {
    const { random } = this.world;
    return {
      receiveBuffer: random.magnitude(2_000, 200_000),
      sendBuffer: random.magnitude(2_000, 200_000),
      latency: random.fraction() * 20,
    };
  }

  connect() {
    return { outcome: "accepts", options: this.link(), peer: new ServerEnd(this.tunnels) } as const;
  }
}

/** A connection to the server: which tunnel it is says the target of its request. */
class ServerEnd implements RemotePeer {
  connection: Connection | null = null;
  private end: End | null = null;
  private head = Buffer.alloc(0);

  constructor(private readonly tunnels: readonly SimulatedTunnel[]) {}

  connected(): void {
    this.notified();
  }

  notified(): void {
    if (this.end !== null) return this.end.notified();
    const { connection } = this;
    if (connection === null || connection.wasReset) return;
    this.head = Buffer.concat([this.head, connection.peerTake(Number.POSITIVE_INFINITY)]);
    if (this.head.includes("\r\n\r\n")) this.begin(connection);
    else if (connection.peerAtEnd) connection.peerFinish();
  }

  private begin(connection: Connection): void {
    const [, number] = /^GET \/t\/(\d+) HTTP\/1\.1\r\n/.exec(this.head.toString("latin1"))!;
    this.end = this.tunnels[Number(number)]!.reached(connection);
    this.end.accepts(this.head);
    this.end.notified();
  }
}
