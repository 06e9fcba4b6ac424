/**
 * A client, from accept to close: one visible state, one short function and one timeout per state.
 *
 *     ReadingHeaders -> ReadingBody -> Processing -> Writing -> ReadingHeaders | Closing -> Lingering -> Closed
 *                           |-> Exchanging -> Writing
 *
 * Bytes are received into the server's one shared inbox; a client owns a buffer only for what it could not use at once.
 */

import type { Block } from "../../ffi/memory.ts";
import type { LogLevel, Settings } from "../config/model.ts";
import { discard, type ReplyBody, type WholeReply } from "../exchange/reply.ts";
import { CONTINUE } from "../http/reply/response.ts";
import { EXPECT_CONTINUE } from "../http/request/request.ts";
import { admit } from "../request/admission.ts";
import type { ReplyTarget } from "../request/reply-target.ts";
import type { ServerExchange } from "../request/server-exchange.ts";
import { BODY_COMPLETE, BODY_REPLIED, BODY_SHARE_USED, BODY_STALLED, BodyReader } from "./body-reader.ts";
import type { Endpoint } from "./endpoint.ts";
import type { ConnectionHost } from "./host.ts";
import { Peer } from "./peer.ts";
import { READS_PER_TURN } from "./reader.ts";
import { Wait } from "./waiter.ts";
import { PUMP_BLOCKED, PUMP_DRAINED, PUMP_INCOMPLETE, PUMP_LOST, PUMP_STARVED } from "./writer.ts";

export enum State {
  ReadingHeaders,
  ReadingBody,
  /** The reply goes out while the body still comes in. */
  Exchanging,
  Processing,
  Writing,
  Closing,
  Lingering,
  Closed,
}

/** Steps through its states that a client may do in one turn before others get theirs. */
const STEPS_PER_TURN = 128;

/** A reply, or the end, that came while another client was being served. */
interface Postponed {
  readonly send: () => void;
  readonly body: ReplyBody;
}

export class Client extends BodyReader implements ReplyTarget {
  state = State.ReadingHeaders;
  requests = 0;
  /** The request in progress, from its first byte until its reply has left. */
  private exchange: ServerExchange | null = null;
  protected override settings: Settings;
  private readonly peer: Peer;
  /** Being served: it is this client's share of the turn. */
  served = false;
  private queued = false;
  /** The client may still be sending: closing at once would destroy the reply on its way (RFC 9112 §9.6). */
  private lingers = false;
  /** It has had its time (408): it is told so, and waited for no more. */
  private timedOut = false;
  private released = false;
  private postponed: Postponed | null = null;

  constructor(
    private readonly server: ConnectionHost,
    /** Where its requests begin; a reload gives it another one. */
    public endpoint: Endpoint,
    fd: number,
    peer: Block,
    /** Serial number of the connection. */
    readonly number: number,
  ) {
    super(server.kernel, server.reactor, fd, server.outbox, server.pool, server.inbox);
    this.peer = new Peer(peer);
    this.settings = endpoint.settings;
  }

  // ConnectionInfo

  get remoteAddress(): string {
    return this.peer.address;
  }

  get remotePort(): number {
    return this.peer.port;
  }

  get remoteBytes(): Uint8Array {
    return this.peer.bytes;
  }

  get serverAddress(): string {
    return this.endpoint.localAddress(this.fd);
  }

  get serverPort(): number {
    return this.endpoint.port;
  }

  // ReplyTarget

  /** The outbox counts only while it is this client's. */
  override get bytesWritten(): number {
    return super.bytesWritten - (this.served ? 0 : this.outbox.length);
  }

  get reusable(): boolean {
    const { keepaliveTimeout, keepaliveRequests } = this.exchange!.settings;
    if (!this.endpoint.open || this.server.stopping) return false;
    return keepaliveTimeout > 0 && this.requests < keepaliveRequests;
  }

  sendReply(head: string, body: ReplyBody, chunked: boolean): void {
    this.whenServed(body, () => {
      this.writeText(head);
      this.writeBody(body, chunked);
    });
  }

  sendWhole(reply: WholeReply, headOnly: boolean, connection: string, rest: ReplyBody): void {
    if (!this.served) throw new Error("a kept reply is for the client being served");
    this.writeWhole(reply, headOnly, connection);
    if (rest !== null) this.writeBody(rest, false);
  }

  drop(): void {
    this.whenServed(null, () => this.closeAfterOutput());
  }

  /** Does it now, or in this client's next share of a turn: the shared outbox belongs to the client being served. */
  private whenServed(body: ReplyBody, send: () => void): void {
    if (this.served) return send();
    discard(this.postponed?.body ?? null); // of a reply that is no good after all
    this.postponed = { send, body };
    this.againNextTurn();
  }

  private sendPostponed(): void {
    const { postponed } = this;
    this.postponed = null;
    postponed?.send();
  }

  /** A stream or a sink can go on: in the next turn, for another client may be in the middle of its share of this one. */
  goOn(): void {
    if (!this.released) this.againNextTurn();
  }

  // What the loop calls

  onReady(): void {
    this.advance();
  }

  onTurn(): void {
    this.queued = false;
    if (!this.released) this.advance();
  }

  onTimeout(): void {
    this.catchUp();
    if (this.released) return;
    if (this.postponed !== null) return this.advance();
    this.served = true;
    try {
      this.expire();
    } catch (error) {
      this.failed(error);
    }
    this.served = false;
    this.settle();
    if (this.state !== State.Closed) this.againNextTurn();
  }

  /** Serves what has come already; what then is still open is registered with the reactor. 0, or -errno. */
  begin(): number {
    this.advance();
    return this.released ? 0 : this.watch();
  }

  /** The server stops: those who have no request in progress go at once, the others after their reply. */
  stopWhenIdle(): void {
    if (this.state === State.ReadingHeaders && this.exchange === null && this.drained) this.abort();
  }

  /** Closes now, whatever is in progress. */
  abort(): void {
    this.catchUp();
    this.state = State.Closed;
    this.settle();
  }

  private againNextTurn(): void {
    if (this.queued) return;
    this.queued = true;
    this.reactor.again(this);
  }

  /** Goes through as many states as it can now. An error of our own costs this client its connection and no one else anything. */
  private advance(): void {
    this.catchUp();
    if (this.released) return;
    this.served = true;
    try {
      if (this.postponed !== null) this.sendPostponed();
      if (this.run()) this.againNextTurn();
    } catch (error) {
      this.failed(error);
    }
    this.served = false;
    this.settle();
  }

  /** An error of our own. */
  private failed(error: unknown): void {
    this.server.reportBug(error, this.exchange);
    this.state = State.Closed;
  }

  /** True when only the client's share of the turn is used up. */
  private run(): boolean {
    for (let steps = STEPS_PER_TURN; steps > 0; steps--) {
      if (!this.step()) return false;
    }
    return true;
  }

  /** One state's work. False: there is nothing more to do now. */
  private step(): boolean {
    switch (this.state) {
      case State.ReadingHeaders:
        return this.readingHeaders();
      case State.ReadingBody:
        return this.readingBody();
      case State.Exchanging:
        return this.exchanging();
      case State.Processing:
        return this.processing();
      case State.Writing:
        return this.writing();
      case State.Closing:
        return this.closing();
      case State.Lingering:
        return this.lingering();
      default:
        return false;
    }
  }

  private enter(state: State): boolean {
    this.state = state;
    return true;
  }

  /** The end, after the replies that are complete already. */
  private closeAfterOutput(): boolean {
    this.flush();
    return this.close();
  }

  /** The end: what the client holds is given back when its share of the turn ends. */
  private close(): boolean {
    this.state = State.Closed;
    return false;
  }

  // The states

  /** Reads until a whole request head is there, then routes it. */
  private readingHeaders(): boolean {
    if (!this.drained) return this.enter(State.Writing);
    if (this.inputStart === this.inputEnd && !this.fill()) return this.atPause();
    const exchange = (this.exchange ??= this.server.beginExchange(this));
    const n = exchange.parser.feed(this.input.bytes, this.inputStart, this.inputEnd);
    if (n === 0) return this.fill() || this.atPause();
    this.requests++;
    if (n < 0) return this.refuseHead(-n, exchange);
    this.inputStart += n;
    return this.startRequest(exchange);
  }

  /** Nothing more to read now: wait, unless the peer has ended its side. */
  private atPause(): boolean {
    if (!this.ended) return false;
    if (this.exchange === null) return this.enter(State.Closing);
    this.requests++;
    this.exchange.parser.reason = "its sending side was closed within a request";
    return this.refuseHead(400, this.exchange);
  }

  private startRequest(exchange: ServerExchange): boolean {
    const status = admit(exchange, exchange.origin.hosts);
    this.settings = exchange.settings;
    exchange.bodyPending = exchange.progress.choosing = exchange.request.hasBody;
    if (status !== 0) return this.refuseRequest(status, exchange);
    return this.proceed(exchange);
  }

  /** Lets the phases decide, then the handler. While a phase needs time the state is Processing, and the body is not read. */
  private proceed(exchange: ServerExchange): boolean {
    this.advanceRequest(exchange);
    this.settings = exchange.settings;
    if (!exchange.bodyPending) return exchange.replied ? this.afterReply(exchange) : this.enter(State.Processing);
    if (exchange.settled) return this.refused(exchange);
    return exchange.progress.choosing ? this.enter(State.Processing) : this.startBodyOf(exchange);
  }

  /** The call of phases and handlers, without a closure: this is every request's path. */
  private advanceRequest(exchange: ServerExchange): void {
    try {
      exchange.progress.advance();
    } catch (error) {
      this.handlerFailed(exchange, error);
    }
  }

  private startBodyOf(exchange: ServerExchange): boolean {
    const { request } = exchange;
    const { decoder } = exchange;
    const refusal = decoder.reset(request.chunked, request.contentLength, this.settings.clientMaxBodySize);
    if (refusal < 0) return this.refuseBody(-refusal, decoder.reason); // a redirect has led to a location with a lower limit
    if (request.expect === EXPECT_CONTINUE && request.minor === 1 && this.inputStart === this.inputEnd) {
      this.writeText(CONTINUE);
    }
    exchange.keepHead(); // the body is received over it
    return this.enter(State.ReadingBody);
  }

  /** Gives the body to its sink as fast as that takes it. */
  private readingBody(): boolean {
    const exchange = this.exchange!;
    if (exchange.replied) return this.afterReply(exchange);
    if (exchange.progress.ready) this.advanceRequest(exchange); // a script whose body still comes has led to another location
    if (!this.drained) this.flush(); // a 100 (Continue) the client may be waiting for
    const outcome = this.takeBody(exchange);
    if (outcome === BODY_COMPLETE) return this.process(exchange);
    if (outcome === BODY_REPLIED) return exchange.replied ? this.afterReply(exchange) : this.refused(exchange);
    if (outcome < 0) return this.refuseBody(-outcome, this.bodyReason);
    if (outcome === BODY_SHARE_USED) this.againNextTurn();
    return outcome === BODY_STALLED && this.broken && this.close();
  }

  /** Body and reply at once, each as far as it goes. */
  private exchanging(): boolean {
    const exchange = this.exchange!;
    const outcome = exchange.bodyPending ? this.takeBody(exchange) : BODY_COMPLETE;
    if (outcome < 0) return this.cutOff("info", this.bodyReason); // the reply has begun: only its end can say so
    if (outcome === BODY_COMPLETE) this.completeBody(exchange);
    if (outcome === BODY_SHARE_USED) this.againNextTurn();
    return this.writing();
  }

  /** The request is here, whole: its handler replies now or later. */
  private process(exchange: ServerExchange): boolean {
    if (!this.completeBody(exchange) && !exchange.settled) this.advanceRequest(exchange);
    return exchange.replied ? this.afterReply(exchange) : this.enter(State.Processing);
  }

  /** Whether the sink is the one that answers. */
  private completeBody(exchange: ServerExchange): boolean {
    const { sink } = exchange;
    exchange.sink = undefined; // complete: there is nothing left to abort
    exchange.bodyPending = false;
    if (sink === undefined) return false;
    this.guarded(exchange, () => sink.end());
    return sink.answers === true;
  }

  private processing(): boolean {
    if (this.exchange!.replied) return this.afterReply(this.exchange!);
    if (this.exchange!.progress.ready) return this.proceed(this.exchange!);
    return this.broken && this.close();
  }

  /** A reply has been handed in. What is left of the body then goes to a sink that wants it still, or is nobody's any more. */
  private afterReply(exchange: ServerExchange): boolean {
    if (this.state === State.Closed) return false;
    if (exchange.bodyPending && exchange.sink?.answers === true) return this.enter(State.Exchanging);
    if (exchange.bodyPending) this.abandonBody(exchange);
    return this.drained ? this.finishRequest() : this.enter(State.Writing);
  }

  /** The connection ends when the client has had the time to read the reply. */
  private abandonBody(exchange: ServerExchange): void {
    this.lingers = true;
    this.unfailing(() => exchange.abortSink());
  }

  private writing(): boolean {
    const outcome = this.pump();
    // A part of the next head may have come while an earlier reply waited for room: that request is not the one sent.
    if (outcome === PUMP_DRAINED)
      return this.exchange?.replied ? this.finishRequest() : this.enter(State.ReadingHeaders);
    if (outcome === PUMP_LOST) return this.close();
    if (outcome === PUMP_INCOMPLETE) return this.cutOff("error", "the reply could not be completed");
    if (outcome === PUMP_STARVED) return this.broken && this.close();
    if (outcome !== PUMP_BLOCKED) this.againNextTurn();
    else if (this.isTooSlow(Wait.Send, this.settings.sendMinRate))
      return this.cutOff("info", "client reads too slowly");
    return false;
  }

  /** Closes in the middle of a reply. */
  private cutOff(level: LogLevel, reason: string): boolean {
    this.exchange?.log(level, reason);
    return this.close();
  }

  /** The reply is in the outbox or sent: the request is over. */
  private finishRequest(): boolean {
    const exchange = this.exchange!;
    if (exchange.bodyPending) this.abandonBody(exchange);
    const reusable = exchange.keepAlive;
    // A client that meant to go on may have sent its next request already: a close would reset it, and the reply with it.
    if (!reusable && exchange.request.keepAlive) this.lingers = true;
    this.endExchange(exchange);
    this.endWait();
    return this.enter(reusable ? State.ReadingHeaders : State.Closing);
  }

  private endExchange(exchange: ServerExchange): void {
    exchange.logAccess();
    this.exchange = null;
    this.server.endExchange(exchange);
  }

  /** Sends what is left, then closes; lingers where the client may still be sending. */
  private closing(): boolean {
    const outcome = this.pump();
    if (outcome === PUMP_BLOCKED) return this.isTooSlow(Wait.Send, this.settings.sendMinRate) && this.close();
    if (outcome === PUMP_LOST) return this.close();
    const unread = this.lingers || this.inputStart < this.inputEnd || this.readable;
    if (!unread || this.ended || this.broken) return this.close();
    this.kernel.shutdownWrite(this.fd);
    this.giveInput();
    if (!this.timedOut) return this.enter(State.Lingering);
    this.fill(); // bytes that nobody has read would make a reset of the close, and the client might lose the 408
    return this.close();
  }

  /** Discards what the client still sends, so that it gets to read the reply before a reset (RFC 9112 §9.6). */
  private lingering(): boolean {
    for (let reads = 0; reads < READS_PER_TURN; reads++) {
      if (!this.fill()) return this.ended ? this.close() : this.lingeredEnough();
      this.giveInput();
    }
    this.againNextTurn();
    return this.lingeredEnough();
  }

  private lingeredEnough(): boolean {
    return this.hasWaited(Wait.Linger, this.settings.lingeringTime) && this.close();
  }

  // Refusals and failures

  /** A head that is none: framing is lost, so nothing that follows is a request. */
  private refuseHead(status: number, exchange: ServerExchange): boolean {
    exchange.request.show(this.input.bytes, this.inputStart, this.inputEnd);
    exchange.log("info", `client sent an invalid request: ${exchange.parser.reason}`);
    exchange.progress.method = exchange.request.method;
    return this.refuse(status, exchange);
  }

  /** A request that is understood and not wanted: answered before its body is read, which then can't be skipped safely. */
  private refuseRequest(status: number, exchange: ServerExchange): boolean {
    this.guarded(exchange, () =>
      exchange.fail(status, status === 405 ? [["Allow", exchange.progress.route.allow]] : []),
    );
    return this.refused(exchange);
  }

  private refuseBody(status: number, reason: string): boolean {
    const exchange = this.exchange!;
    exchange.log("info", `client sent an invalid body: ${reason}`);
    return this.refuse(status, exchange);
  }

  private refuse(status: number, exchange: ServerExchange): boolean {
    this.timedOut = status === 408;
    exchange.bodyPending = true; // whatever follows is not read as a request
    this.dismiss(exchange);
    this.guarded(exchange, () => exchange.fail(status));
    return this.refused(exchange);
  }

  /** The error is told, or a script makes its page (`error_page`). What is left of the body is nobody's. */
  private refused(exchange: ServerExchange): boolean {
    this.unfailing(() => exchange.abortSink());
    return exchange.replied ? this.afterReply(exchange) : this.enter(State.Processing);
  }

  /** Whoever takes the body, or was to reply, does so no more. */
  private dismiss(exchange: ServerExchange): void {
    this.unfailing(() => exchange.abortSink());
    this.unfailing(() => exchange.callOff());
  }

  private guarded(exchange: ServerExchange, call: () => void): void {
    try {
      call();
    } catch (error) {
      this.handlerFailed(exchange, error);
    }
  }

  /** A handler that throws gives its client a 500, or a closed connection if the reply had begun. */
  override handlerFailed(exchange: ServerExchange, error: unknown): void {
    this.server.reportBug(error, exchange);
    exchange.closing = true;
    this.dismiss(exchange);
    if (exchange.replied) this.drop();
    else exchange.failPlainly(500, []);
  }

  // The end of a client's share of the turn

  /** Leaves the shared inbox and outbox to the next client, and waits for what the state needs. */
  private settle(): void {
    if (this.state !== State.Closed && this.outbox.length > 0) this.sendOutput();
    if (this.state === State.Closed || this.lost) return this.release();
    if (!this.drained && this.state === State.ReadingHeaders) this.state = State.Writing;
    if (this.state !== State.ReadingHeaders) this.exchange?.keepHead();
    this.keepInput();
    this.waitFor(this.neededWait());
  }

  /** Between two requests a reply can wait for the end of the turn; in every other state more depends on it. */
  private sendOutput(): void {
    if (this.state === State.ReadingHeaders) this.leaveOutput();
    else this.flush();
  }

  protected override onOutputStuck(): void {
    this.settle();
  }

  /** Gives back everything, once. */
  private release(): void {
    this.state = State.Closed;
    if (this.released) return;
    this.released = true;
    this.timerList?.stop(this);
    this.unfailing(() => this.exchange !== null && this.breakOff(this.exchange));
    this.unfailing(() => discard(this.postponed?.body ?? null)); // when all know that they are cut off
    this.unfailing(() => this.dropOutput());
    this.giveInput();
    this.reactor.close(this);
    this.server.clientClosed(this);
  }

  /** Calls what handlers implement; its failing must not keep the rest from being given back. */
  private unfailing(call: () => void): void {
    try {
      call();
    } catch (error) {
      this.server.reportBug(error, null);
    }
  }

  /** The connection ends in the middle of a request or its reply. */
  private breakOff(exchange: ServerExchange): void {
    this.dismiss(exchange);
    exchange.cutShort();
    if (exchange.method !== "" || exchange.replied) return this.endExchange(exchange);
    this.exchange = null; // only a part of a head: no request to log
    this.server.endExchange(exchange);
  }

  // Timeouts

  private neededWait(): Wait {
    switch (this.state) {
      case State.ReadingHeaders:
        return this.exchange === null && this.requests > 0 ? Wait.KeepAlive : Wait.Headers;
      case State.ReadingBody:
        return this.stalled ? Wait.Nothing : Wait.Body;
      case State.Exchanging:
        if (!this.writable) return Wait.Send;
        return this.stalled || !this.exchange!.bodyPending ? Wait.Nothing : Wait.Body;
      case State.Processing:
        return Wait.Nothing;
      case State.Lingering:
        return Wait.Linger;
      default:
        return this.starved ? Wait.Nothing : Wait.Send;
    }
  }

  private expire(): void {
    if (this.wait === Wait.Headers && this.exchange !== null) {
      this.requests++;
      this.exchange.parser.reason = "its head took too long";
      this.refuseHead(408, this.exchange);
    } else if (this.wait === Wait.Body && !this.exchange!.replied) this.refuseBody(408, "its body took too long");
    else if (this.wait === Wait.Send) this.cutOff("info", "client timed out");
    else this.state = State.Closed;
    this.endWait();
  }
}
