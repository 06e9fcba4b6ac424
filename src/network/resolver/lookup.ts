/**
 * A look-up in progress: the addresses of one name of the servers of one `resolver`. It asks for A and AAAA at the same time, one
 * server after the other, until both are answered or nobody waits any more.
 */
import type { SocketAddress } from "../../../ffi/inet.ts";
import { Timed } from "../timers.ts";
import type { Outcome } from "./cache.ts";
import { type Channel, type ChannelOwner, DatagramChannel, StreamChannel, type Wires } from "./channel.ts";
import { type AddressType, CODE, decodeReply } from "./message.ts";
import { Question, Taken } from "./question.ts";

/** Time until the next server is asked, ms: nginx's resend_timeout and tcp_timeout. */
const ASK_AGAIN = 5000;

/** Called once. `ttl`: seconds that the outcome counts. */
type Finished = (outcome: Outcome, ttl: number) => void;

export class Lookup extends Timed implements ChannelOwner {
  private readonly questions: readonly Question[];
  private channel: Channel | null = null;
  /** Questions whose answers are too large for datagrams, each with its connection. */
  private readonly streams = new Map<Question, Channel>();
  /** Servers that have said that they cannot answer, or that cannot be reached, in this round. */
  private refusals = 0;

  /**
   * @param server index of the server that is asked first
   * @param randomId gives 16 random bits
   */
  constructor(
    private readonly wires: Wires,
    name: string,
    types: readonly AddressType[],
    private readonly servers: readonly SocketAddress[],
    private server: number,
    randomId: () => number,
    private readonly finished: Finished,
  ) {
    super();
    this.questions = types.map((type) => new Question(name, type, randomId));
  }

  /** Asks the first server. May finish at once. */
  start(): void {
    this.ask();
  }

  /** Nobody waits any more. */
  cancel(): void {
    this.closeAll();
  }

  private get address(): SocketAddress {
    return this.servers[this.server % this.servers.length]!;
  }

  /** Asks the current server what is not answered yet. */
  private ask(): void {
    const { reactor } = this.wires;
    this.closeAll();
    reactor.timers.start(this, ASK_AGAIN, reactor.now);
    const channel = DatagramChannel.open(this.wires, this.address, this);
    if (typeof channel === "number") return this.refused();
    this.channel = channel;
    for (const question of this.questions) {
      if (this.channel === channel && !question.done) this.send(question);
    }
  }

  private send(question: Question): void {
    if (this.channel!.send(question.ask()) < 0) this.refused();
  }

  /** The current server cannot be used: asks the next, or gives up if no one is left. */
  private refused(code: number = CODE.failure): void {
    this.server++;
    if (++this.refusals < this.servers.length) return this.ask();
    for (const question of this.questions) if (!question.done) question.fail(code);
    this.finish();
  }

  /** The server has not answered in time. */
  onTimeout(): void {
    this.server++;
    this.refusals = 0;
    this.ask();
  }

  onLost(): void {
    this.refused();
  }

  onMessage(message: Buffer): void {
    this.take(message, false);
  }

  private take(message: Buffer, byStream: boolean): void {
    const reply = decodeReply(message);
    if (reply === null) return;
    for (const question of this.questions) {
      const taken = question.take(reply, byStream);
      if (taken === Taken.Ignored) continue;
      return this.taken(question, taken, reply.code);
    }
  }

  private taken(question: Question, taken: Taken, code: number): void {
    if (taken === Taken.Refused) return this.refused(code);
    if (taken === Taken.Truncated) return this.askByStream(question);
    this.streams.get(question)?.close();
    this.streams.delete(question);
    if (taken === Taken.AskAgain) this.send(question);
    else if (this.questions.every(({ done }) => done)) this.finish();
  }

  private askByStream(question: Question): void {
    if (this.streams.has(question)) return;
    const owner = { onMessage: (message: Buffer) => this.take(message, true), onLost: () => this.refused() };
    const stream = StreamChannel.open(this.wires, this.address, owner);
    if (typeof stream === "number") return this.refused();
    this.streams.set(question, stream);
    stream.send(question.ask());
  }

  private finish(): void {
    this.closeAll();
    const addresses = this.questions.flatMap((question) => question.addresses);
    const ttl = Math.min(...this.questions.filter((question) => question.addresses.length > 0).map((one) => one.ttl));
    if (addresses.length > 0) return this.finished({ addresses }, ttl);
    const error = this.questions.find(({ code }) => code !== CODE.noName);
    this.finished({ code: error?.code ?? CODE.noName }, 0);
  }

  private closeAll(): void {
    this.timerList?.stop(this);
    this.channel?.close();
    this.channel = null;
    for (const stream of this.streams.values()) stream.close();
    this.streams.clear();
  }
}
