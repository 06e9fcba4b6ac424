/**
 * A connection, from accept to close: one visible state, one short function and one timeout per state.
 *
 *     ReadingHeaders -> ReadingBody -> Processing -> Writing -> ReadingHeaders | Closing -> Lingering -> Closed
 *                           |-> Exchanging -> Writing
 *
 * It is made of parts: bytes come and go through a Transport, into the Input and from the Output; Timeouts says how long it
 * waits; Http1 knows what a reply looks like on the wire. Here is only when each of them does something.
 */

import type { Block } from "../../ffi/memory.ts";
import type { LogLevel } from "../config/parts.ts";
import type { ReplyDraft } from "../exchange/filter.ts";
import type { Field, ReplyBody, StreamBody, WholeReply } from "../exchange/reply.ts";
import { EXPECT_CONTINUE } from "../http/request/request.ts";
import type { Transport, TransportOwner } from "../network/transport.ts";
import { admit } from "../request/admission.ts";
import type { ServerExchange } from "../request/server-exchange.ts";
import {
  BODY_COMPLETE,
  BODY_REPLIED,
  BODY_SHARE_USED,
  BODY_STALLED,
  BodyReader,
  type BodyReaderOwner,
} from "./body-reader.ts";
import type { Endpoint } from "./endpoint.ts";
import type { ConnectionHost, HostedConnection } from "./host.ts";
import { Http1, makeWholeReply } from "./http1.ts";
import { Info } from "./info.ts";
import { Input, READS_PER_TURN } from "./input.ts";
import {
  Output,
  type OutputOwner,
  PUMP_BLOCKED,
  PUMP_DRAINED,
  PUMP_INCOMPLETE,
  PUMP_LOST,
  PUMP_STARVED,
} from "./output.ts";
import { type Postponed, postponed, postponedWhole } from "./postponed.ts";
import { type TimeoutOwner, Timeouts, Wait } from "./timeouts.ts";

enum State {
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

/** Steps through its states that a connection may do in one turn before others get theirs. */
const STEPS_PER_TURN = 128;

export class Connection implements HostedConnection, TransportOwner, OutputOwner, TimeoutOwner, BodyReaderOwner {
  state = State.ReadingHeaders;
  readonly info: Info;
  /** The request in progress, from its first byte until its reply has left. */
  private exchange: ServerExchange | null = null;
  private readonly input: Input;
  private readonly output: Output;
  private readonly http: Http1;
  private readonly timeouts: Timeouts;
  /** Made for the first request with a body. */
  private bodyReader: BodyReader | null = null;
  /** It is this connection's share of the turn: the shared inbox and outbox are its own. */
  private served = false;
  /** It has asked for a share of the next turn. */
  private queued = false;
  /** A body is announced and not read: a reply now ends the connection, for what follows is that body, not a request. */
  private bodyPending = false;
  /** The reply in progress is the last: what follows the request is never read as another. */
  private ending = false;
  /** The client may still be sending: closing at once would destroy the reply on its way (RFC 9112 §9.6). */
  private lingers = false;
  /** It has had its time (408): it is told so, and waited for no more. */
  private timedOut = false;
  private released = false;
  private postponed: Postponed | null = null;

  constructor(
    private readonly host: ConnectionHost,
    /** Where its requests begin; a reload gives it another one. */
    public endpoint: Endpoint,
    private readonly transport: Transport,
    peer: Block,
    /** Serial number of the connection. */
    number: number,
  ) {
    transport.owner = this;
    this.info = new Info(this, transport.fd, peer, number);
    this.input = new Input(transport, host.pool, host.inbox);
    this.output = new Output(transport, host.outbox, host.pool, this);
    this.http = new Http1(this.output);
    this.timeouts = new Timeouts(host.reactor, endpoint.settings, this.input, this.output, this);
  }

  // ReplyTarget

  get bytesSent(): number {
    return this.http.bytesSent;
  }

  get bodyBytesSent(): number {
    return this.http.bodyBytesSent;
  }

  reply(status: number, fields: Field[], body: ReplyBody, length: number | undefined): void {
    if (!this.served) return this.postponeReply(status, fields, body, length);
    const persists = this.persists();
    this.ending = !this.http.reply(this.exchange!, status, fields, body, length, persists);
  }

  replyWhole(reply: WholeReply, rest: ReplyBody): void {
    if (!this.served) return this.postponeWhole(reply, rest);
    const persists = this.persists();
    this.ending = !persists;
    this.http.replyWhole(this.exchange!, reply, rest, persists);
  }

  replyRaw(body: StreamBody): void {
    if (!this.served) return this.postpone(postponed(body, () => this.replyRaw(body)));
    this.ending = true;
    this.http.replyRaw(body);
  }

  wholeReply(draft: ReplyDraft, dateSecond: number): WholeReply {
    return makeWholeReply(draft, dateSecond);
  }

  drop(): void {
    if (!this.served) return this.postpone(postponed(null, () => this.drop()));
    this.closeAfterOutput();
  }

  /** A stream or a sink can go on: in the next turn, for another connection may be in the middle of its share of this one. */
  goOn(): void {
    if (!this.released) this.againNextTurn();
  }

  crash(error: unknown): void {
    if (this.exchange === null) this.host.reportBug(error, null);
    else this.handlerFailed(this.exchange, error);
  }

  private get body(): BodyReader {
    return (this.bodyReader ??= new BodyReader(this.transport, this.input, this.timeouts, this));
  }

  /** Whether another request may follow the one in progress. */
  private persists(): boolean {
    const { request, settings } = this.exchange!;
    if (this.ending || this.bodyPending || !request.keepAlive) return false;
    if (this.host.stopping || !this.endpoint.open) return false;
    return settings.keepaliveTimeout > 0 && this.info.requests < settings.keepaliveRequests;
  }

  // Apart from the calls that are mostly served at once, and would pay for the closure each time.

  private postponeReply(status: number, fields: Field[], body: ReplyBody, length: number | undefined): void {
    this.postpone(postponed(body, () => this.reply(status, fields, body, length)));
  }

  private postponeWhole(reply: WholeReply, rest: ReplyBody): void {
    this.postpone(postponedWhole(reply, rest, () => this.replyWhole(reply, rest)));
  }

  private postpone(reply: Postponed): void {
    this.postponed?.discard(); // of a reply that is no good after all
    this.postponed = reply;
    this.againNextTurn();
  }

  private sendPostponed(): void {
    const { postponed } = this;
    this.postponed = null;
    postponed?.send();
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
    this.output.catchUp();
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
    return this.released ? 0 : this.transport.watch();
  }

  /** The server stops: those who have no request in progress go at once, the others after their reply. */
  stopWhenIdle(): void {
    if (this.state === State.ReadingHeaders && this.exchange === null && this.output.isDrained) this.abort();
  }

  /** Closes now, whatever is in progress. */
  abort(): void {
    this.output.catchUp();
    this.state = State.Closed;
    this.settle();
  }

  private againNextTurn(): void {
    if (this.queued) return;
    this.queued = true;
    this.host.reactor.again(this);
  }

  /** Goes through as many states as it can now. An error of our own costs this connection and no other. */
  private advance(): void {
    this.output.catchUp();
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
    this.host.reportBug(error, this.exchange);
    this.state = State.Closed;
  }

  /** True when only the connection's share of the turn is used up. */
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
    this.output.flush();
    return this.close();
  }

  /** The end: what the connection holds is given back when its share of the turn ends. */
  private close(): boolean {
    this.state = State.Closed;
    return false;
  }

  // The states

  /** Reads until a whole request head is there, then routes it. */
  private readingHeaders(): boolean {
    if (!this.output.isDrained) return this.enter(State.Writing);
    if (this.input.isEmpty && !this.input.fill()) return this.atPause();
    const exchange = this.exchange ?? this.beginRequest();
    const n = exchange.parser.feed(this.input.block.bytes, this.input.start, this.input.end);
    if (n === 0) return this.input.fill() || this.atPause();
    this.info.requests++;
    if (n < 0) return this.refuseHead(-n, exchange);
    this.input.start += n;
    return this.startRequest(exchange);
  }

  private beginRequest(): ServerExchange {
    this.http.begin();
    this.ending = this.bodyPending = false;
    return (this.exchange = this.host.beginExchange(this));
  }

  /** Nothing more to read now: wait, unless the peer has ended its side. */
  private atPause(): boolean {
    if (!this.transport.ended) return false;
    if (this.exchange === null) return this.enter(State.Closing);
    this.info.requests++;
    this.exchange.parser.reason = "its sending side was closed within a request";
    return this.refuseHead(400, this.exchange);
  }

  private startRequest(exchange: ServerExchange): boolean {
    const status = admit(exchange, exchange.origin.hosts);
    this.timeouts.settings = exchange.settings;
    this.bodyPending = exchange.progress.choosing = exchange.request.hasBody;
    if (status !== 0) return this.refuseRequest(status, exchange);
    return this.proceed(exchange);
  }

  /** Lets the phases decide, then the handler. While a phase needs time the state is Processing, and the body is not read. */
  private proceed(exchange: ServerExchange): boolean {
    this.advanceRequest(exchange);
    this.timeouts.settings = exchange.settings;
    if (!this.bodyPending) return exchange.replied ? this.afterReply(exchange) : this.enter(State.Processing);
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
    const refusal = decoder.reset(request.chunked, request.contentLength, this.timeouts.settings.clientMaxBodySize);
    if (refusal < 0) return this.refuseBody(-refusal, decoder.reason); // a redirect has led to a location with a lower limit
    if (request.expect === EXPECT_CONTINUE && request.minor === 1 && this.input.isEmpty) {
      this.http.continue();
    }
    exchange.keepHead(); // the body is received over it
    return this.enter(State.ReadingBody);
  }

  /** Gives the body to its sink as fast as that takes it. */
  private readingBody(): boolean {
    const exchange = this.exchange!;
    if (exchange.replied) return this.afterReply(exchange);
    if (exchange.progress.ready) this.advanceRequest(exchange); // a script whose body still comes has led to another location
    if (!this.output.isDrained) this.output.flush(); // a 100 (Continue) the client may be waiting for
    const outcome = this.body.take(exchange);
    if (outcome === BODY_COMPLETE) return this.process(exchange);
    if (outcome === BODY_REPLIED) return exchange.replied ? this.afterReply(exchange) : this.refused(exchange);
    if (outcome < 0) return this.refuseBody(-outcome, this.body.reason);
    if (outcome === BODY_SHARE_USED) this.againNextTurn();
    return outcome === BODY_STALLED && this.transport.broken && this.close();
  }

  /** Body and reply at once, each as far as it goes. */
  private exchanging(): boolean {
    const exchange = this.exchange!;
    const outcome = this.bodyPending ? this.body.take(exchange) : BODY_COMPLETE;
    if (outcome < 0) return this.cutOff("info", this.body.reason); // the reply has begun: only its end can say so
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
    this.bodyPending = false;
    if (sink === undefined) return false;
    this.guarded(exchange, () => sink.end());
    return sink.answers === true;
  }

  private processing(): boolean {
    if (this.exchange!.replied) return this.afterReply(this.exchange!);
    if (this.exchange!.progress.ready) return this.proceed(this.exchange!);
    return this.transport.broken && this.close();
  }

  /** A reply has been handed in. What is left of the body then goes to a sink that wants it still, or is nobody's any more. */
  private afterReply(exchange: ServerExchange): boolean {
    if (this.state === State.Closed) return false;
    if (this.bodyPending && exchange.sink?.answers === true) return this.enter(State.Exchanging);
    if (this.bodyPending) this.abandonBody(exchange);
    return this.output.isDrained ? this.finishRequest() : this.enter(State.Writing);
  }

  /** The connection ends when the client has had the time to read the reply. */
  private abandonBody(exchange: ServerExchange): void {
    this.lingers = true;
    this.unfailing(() => exchange.abortSink());
  }

  private writing(): boolean {
    const outcome = this.output.pump();
    // A part of the next head may have come while an earlier reply waited for room: that request is not the one sent.
    if (outcome === PUMP_DRAINED)
      return this.exchange?.replied ? this.finishRequest() : this.enter(State.ReadingHeaders);
    if (outcome === PUMP_LOST) return this.close();
    if (outcome === PUMP_INCOMPLETE) return this.cutOff("error", "the reply could not be completed");
    if (outcome === PUMP_STARVED) return this.transport.broken && this.close();
    if (outcome !== PUMP_BLOCKED) this.againNextTurn();
    else if (this.timeouts.isTooSlow(Wait.Send)) return this.cutOff("info", "client reads too slowly");
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
    if (this.bodyPending) this.abandonBody(exchange);
    const reusable = this.persists();
    // A client that meant to go on may have sent its next request already: a close would reset it, and the reply with it.
    if (!reusable && exchange.request.keepAlive) this.lingers = true;
    this.endExchange(exchange);
    this.timeouts.end();
    return this.enter(reusable ? State.ReadingHeaders : State.Closing);
  }

  private endExchange(exchange: ServerExchange): void {
    exchange.logAccess();
    this.exchange = null;
    this.host.endExchange(exchange);
  }

  /** Sends what is left, then closes; lingers where the client may still be sending. */
  private closing(): boolean {
    const outcome = this.output.pump();
    if (outcome === PUMP_BLOCKED) return this.timeouts.isTooSlow(Wait.Send) && this.close();
    if (outcome === PUMP_LOST) return this.close();
    const unread = this.lingers || !this.input.isEmpty || this.transport.readable;
    if (!unread || this.transport.ended || this.transport.broken) return this.close();
    this.transport.shut();
    this.input.drop();
    if (!this.timedOut) return this.enter(State.Lingering);
    this.input.fill(); // bytes that nobody has read would make a reset of the close, and the client might lose the 408
    return this.close();
  }

  /** Discards what the client still sends, so that it gets to read the reply before a reset (RFC 9112 §9.6). */
  private lingering(): boolean {
    for (let reads = 0; reads < READS_PER_TURN; reads++) {
      if (!this.input.fill()) return this.transport.ended ? this.close() : this.lingeredEnough();
      this.input.drop();
    }
    this.againNextTurn();
    return this.lingeredEnough();
  }

  private lingeredEnough(): boolean {
    return this.timeouts.hasWaited(Wait.Linger, this.timeouts.settings.lingeringTime) && this.close();
  }

  // Refusals and failures

  /** A head that is none: framing is lost, so nothing that follows is a request. */
  private refuseHead(status: number, exchange: ServerExchange): boolean {
    exchange.request.show(this.input.block.bytes, this.input.start, this.input.end);
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
    this.bodyPending = true; // whatever follows is not read as a request
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
  handlerFailed(exchange: ServerExchange, error: unknown): void {
    this.host.reportBug(error, exchange);
    this.ending = true;
    this.dismiss(exchange);
    if (exchange.replied) this.drop();
    else exchange.failPlainly(500, []);
  }

  // The end of a connection's share of the turn

  /** Leaves the shared inbox and outbox to the next connection, and waits for what the state needs. */
  private settle(): void {
    if (this.state !== State.Closed && this.host.outbox.length > 0) this.sendOutput();
    if (this.state === State.Closed || this.transport.lost) return this.release();
    if (!this.output.isDrained && this.state === State.ReadingHeaders) this.state = State.Writing;
    if (this.state !== State.ReadingHeaders) this.exchange?.keepHead();
    this.input.leaveInbox();
    this.timeouts.waitFor(this.neededWait());
  }

  /** Between two requests a reply can wait for the end of the turn; in every other state more depends on it. */
  private sendOutput(): void {
    if (this.state === State.ReadingHeaders) this.output.leave();
    else this.output.flush();
  }

  onOutputStuck(): void {
    try {
      this.settle();
    } catch (error) {
      this.failed(error); // others wait to be sent at the end of the turn, too
      this.release();
    }
  }

  /** Gives back everything, once. */
  private release(): void {
    this.state = State.Closed;
    if (this.released) return;
    this.released = true;
    this.timeouts.end();
    this.unfailing(() => this.exchange !== null && this.breakOff(this.exchange));
    this.unfailing(() => this.postponed?.discard()); // when all know that they are cut off
    this.unfailing(() => this.output.drop());
    this.input.drop();
    this.transport.close();
    this.host.connectionClosed(this);
  }

  /** Calls what handlers implement; its failing must not keep the rest from being given back. */
  private unfailing(call: () => void): void {
    try {
      call();
    } catch (error) {
      this.host.reportBug(error, null);
    }
  }

  /** The connection ends in the middle of a request or its reply. */
  private breakOff(exchange: ServerExchange): void {
    this.dismiss(exchange);
    exchange.cutShort();
    this.http.cutShort();
    if (exchange.method !== "" || exchange.replied) return this.endExchange(exchange);
    this.exchange = null; // only a part of a head: no request to log
    this.host.endExchange(exchange);
  }

  // Timeouts

  private neededWait(): Wait {
    switch (this.state) {
      case State.ReadingHeaders:
        return this.exchange === null && this.info.requests > 0 ? Wait.KeepAlive : Wait.Headers;
      case State.ReadingBody:
        return this.body.stalled ? Wait.Nothing : Wait.Body;
      case State.Exchanging:
        if (!this.transport.writable) return Wait.Send;
        return this.body.stalled || !this.bodyPending ? Wait.Nothing : Wait.Body;
      case State.Processing:
        return Wait.Nothing;
      case State.Lingering:
        return Wait.Linger;
      default:
        return this.output.starved ? Wait.Nothing : Wait.Send;
    }
  }

  private expire(): void {
    if (this.timeouts.current === Wait.Headers && this.exchange !== null) {
      this.info.requests++;
      this.exchange.parser.reason = "its head took too long";
      this.refuseHead(408, this.exchange);
    } else if (this.timeouts.current === Wait.Body && !this.exchange!.replied)
      this.refuseBody(408, "its body took too long");
    else if (this.timeouts.current === Wait.Send) this.cutOff("info", "client timed out");
    else this.state = State.Closed;
    this.timeouts.end();
  }
}
