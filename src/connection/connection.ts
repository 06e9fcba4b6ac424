/**
 * A connection, from accept to close: a state machine with one short function and one timeout for each state.
 *
 *     ReadingHeaders -> ReadingBody -> Processing -> Writing -> ReadingHeaders | Closing -> Lingering -> Closed
 *                           |-> Exchanging -> Writing   |-> Tunnelling -> Closed
 *
 * Its parts do the work, and this file decides when: the Transport moves bytes, Input holds what was received, Output holds what
 * is to be sent, Http1 writes replies as HTTP/1.1, and Timeouts limits how long the connection waits.
 */

import type { Block } from "../../ffi/memory.ts";
import type { LogLevel } from "../config/settings/logs.ts";
import type { ReplyDraft } from "../exchange/filter.ts";
import type { Field, ReplyBody, StreamBody, WholeReply } from "../exchange/reply.ts";
import type { Tunnel } from "../exchange/tunnel.ts";
import { endsWithReply } from "../http/request/old-browsers.ts";
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
} from "./bodies/body-reader.ts";
import { PacedBody } from "./bodies/paced-body.ts";
import type { Endpoint } from "./endpoint.ts";
import type { ConnectionHost, HostedConnection } from "./host.ts";
import { Http1, makeWholeReply, type Pace } from "./http1.ts";
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
import { TUNNEL_BUSY, TUNNEL_OVER, TunnelEnd } from "./tunnel-end.ts";

enum State {
  ReadingHeaders,
  ReadingBody,
  /** The reply is being sent while the body is still being received. */
  Exchanging,
  Processing,
  Writing,
  /** After 101: bytes go both ways. */
  Tunnelling,
  Closing,
  Lingering,
  Closed,
}

/** Most steps that a connection does in one turn; then the other connections are served. */
const STEPS_PER_TURN = 128;

const INCOMPLETE = "the reply could not be completed";

export class Connection implements HostedConnection, TransportOwner, OutputOwner, TimeoutOwner, BodyReaderOwner {
  state = State.ReadingHeaders;
  readonly info: Info;
  /** The request in progress, from its first byte until its reply has left. */
  private exchange: ServerExchange | null = null;
  readonly input: Input;
  readonly output: Output;
  private readonly http: Http1;
  private readonly timeouts: Timeouts;
  /** Made for the first request with a body. */
  private bodyReader: BodyReader | null = null;
  /** The connection is being served now: it may use the shared inbox and outbox. */
  private served = false;
  /** `onTurn` will be called in the next turn. */
  private queued = false;
  /** The request has a body that is not read completely. A reply now ends the connection, because the next bytes belong to that body. */
  private bodyPending = false;
  /** The reply in progress is the last one on this connection. */
  private ending = false;
  /** The client may still be sending. To close at once could destroy the reply on its way (RFC 9112 §9.6). */
  private lingers = false;
  /** The client was too slow (408): after the reply the connection does not wait for it again. */
  private timedOut = false;
  private released = false;
  /** The server stops; the client may send one more request. */
  private leaving = false;
  /** The connection ends with a reset: what was not sent is discarded. */
  private resets = false;
  private postponed: Postponed | null = null;
  private tunnelEnd: TunnelEnd | null = null;

  constructor(
    private readonly host: ConnectionHost,
    /** The address it was accepted on, with the servers there. A reload replaces it. */
    public endpoint: Endpoint,
    private readonly transport: Transport,
    peer: Block,
    /** Serial number of the connection. */
    number: number,
  ) {
    transport.owner = this;
    this.info = new Info(this, transport, peer, number, host.reactor.now);
    this.input = new Input(transport, host.pool, host.inbox);
    this.output = new Output(transport, host.outbox, host.pool, this);
    this.http = new Http1(this.output);
    this.timeouts = new Timeouts(host.reactor, endpoint.settings, this);
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
    this.ending = !this.http.reply(this.exchange!, status, fields, body, length, persists, this.pace());
  }

  /** Limits the reply that begins now; null: it is not limited. */
  private pace(): Pace | null {
    const pacing = this.exchange!.pacing;
    if (pacing === null) return null;
    return (body) => new PacedBody(body, pacing, this.host.reactor, () => this.goOn());
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
    this.http.replyRaw(body, this.pace());
  }

  tunnel(fields: Field[], far: Tunnel): void {
    if (!this.served) return this.postpone(postponed(null, () => this.tunnel(fields, far)));
    this.http.switchProtocols(fields);
    this.tunnelEnd = new TunnelEnd(this.transport, this.input, this.output, far);
    this.tunnelEnd.begin();
  }

  wholeReply(draft: ReplyDraft, dateSecond: number): WholeReply {
    return makeWholeReply(draft, dateSecond);
  }

  drop(): void {
    if (!this.served) return this.postpone(postponed(null, () => this.drop()));
    this.closeAfterOutput();
    this.resets = this.exchange?.settings.resetTimedoutConnection === true;
  }

  /** A stream or a sink can continue. This happens in the next turn, because another connection may be being served now. */
  goOn(): void {
    if (!this.released) this.againNextTurn();
  }

  crash(error: unknown): void {
    if (this.exchange === null) this.host.reportBug(error, null);
    else this.handlerFailed(this.exchange, error);
  }

  get activity(): "reading" | "writing" | "waiting" {
    const { exchange, state } = this;
    if (exchange !== null) return exchange.method === "" && !exchange.replied ? "reading" : "writing";
    return state === State.ReadingHeaders ? "waiting" : "writing";
  }

  private get body(): BodyReader {
    return (this.bodyReader ??= new BodyReader(this.transport, this.input, this.timeouts, this));
  }

  /** Whether another request may follow the one in progress. */
  persists(): boolean {
    const { request, settings } = this.exchange!;
    if (this.ending || this.bodyPending || !request.keepAlive) return false;
    if (this.host.stopping || !this.endpoint.open) return false;
    if (endsWithReply(request, settings)) return false;
    if (this.host.reactor.now - this.info.openedAt >= settings.keepaliveTime) return false;
    return settings.keepaliveTimeout > 0 && this.info.requests < settings.keepaliveRequests;
  }

  // These are separate methods so that the usual call, which needs no closure, does not pay for one.

  private postponeReply(status: number, fields: Field[], body: ReplyBody, length: number | undefined): void {
    this.postpone(postponed(body, () => this.reply(status, fields, body, length)));
  }

  private postponeWhole(reply: WholeReply, rest: ReplyBody): void {
    this.postpone(postponedWhole(reply, rest, () => this.replyWhole(reply, rest)));
  }

  private postpone(reply: Postponed): void {
    this.postponed?.discard(); // a reply that another one replaces
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

  /** Serves what has arrived already; registers the connection with the reactor if it is still open then. 0, or -errno. */
  begin(): number {
    this.advance();
    return this.released ? 0 : this.transport.watch();
  }

  /** The server stops: closes now if no request is in progress, else after the reply. */
  stopWhenIdle(): void {
    if (this.state !== State.ReadingHeaders || this.exchange !== null || !this.output.isDrained) return;
    if (this.timeouts.settings.keepaliveMinTimeout === 0 || this.info.requests === 0) return this.abort();
    this.leaving = true;
    this.timeouts.waitFor(this.neededWait());
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

  /** Goes through as many states as possible now. An exception costs only this connection. */
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

  /** An exception: a fault of the server. */
  private failed(error: unknown): void {
    this.host.reportBug(error, this.exchange);
    this.state = State.Closed;
  }

  /** True when the connection has used its steps of this turn and could go on. */
  private run(): boolean {
    for (let steps = STEPS_PER_TURN; steps > 0; steps--) {
      if (!this.step()) return false;
    }
    return true;
  }

  /** Does the work of the current state. False: there is nothing more to do now. */
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
      case State.Tunnelling:
        return this.tunnelling();
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

  /** Closes after sending the replies that are complete. */
  private closeAfterOutput(): boolean {
    this.output.flush();
    return this.close();
  }

  /** Closes. `settle` gives back what the connection holds. */
  private close(): boolean {
    this.state = State.Closed;
    return false;
  }

  // The states

  /** Reads until a whole request head is there, then routes it. */
  private readingHeaders(): boolean {
    if (!this.output.isDrained) return this.enter(State.Writing);
    const isPipelined = !this.input.isEmpty && this.info.requests > 0;
    if (this.input.isEmpty && !this.input.fill()) return this.atPause();
    const exchange = this.exchange ?? this.beginRequest(isPipelined);
    const n = exchange.parser.feed(this.input.block.bytes, this.input.start, this.input.end);
    if (n === 0) return this.input.fill() || this.atPause();
    this.info.requests++;
    if (n < 0) return this.refuseHead(-n, exchange);
    this.input.start += n;
    return this.startRequest(exchange);
  }

  private beginRequest(isPipelined: boolean): ServerExchange {
    this.http.begin();
    this.ending = this.bodyPending = false;
    this.exchange = this.host.beginExchange(this);
    this.exchange.isPipelined = isPipelined;
    return this.exchange;
  }

  /** There is nothing more to read now: waits, unless the peer has ended its side. */
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

  /** Runs the phases, then the handler. While a phase waits, the state is Processing and the body is not read. */
  private proceed(exchange: ServerExchange): boolean {
    this.advanceRequest(exchange);
    this.timeouts.settings = exchange.settings;
    if (!this.bodyPending) return exchange.replied ? this.afterReply(exchange) : this.enter(State.Processing);
    if (exchange.settled) return this.refused(exchange);
    return exchange.progress.choosing ? this.enter(State.Processing) : this.startBodyOf(exchange);
  }

  /** Calls phases and handlers. Without a closure, because every request comes this way. */
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
    if (refusal < 0) return this.refuseBody(-refusal, decoder.reason); // an internal redirect has led to a location with a lower limit
    if (request.expect === EXPECT_CONTINUE && request.minor === 1 && this.input.isEmpty) {
      this.http.continue();
    }
    exchange.keepHead(); // the body overwrites it in the shared inbox
    return this.enter(State.ReadingBody);
  }

  /** Passes the body to its sink as fast as the sink takes it. */
  private readingBody(): boolean {
    const exchange = this.exchange!;
    if (exchange.replied) return this.afterReply(exchange);
    if (exchange.progress.ready) this.advanceRequest(exchange); // a script has redirected to another location before its body was complete
    if (!this.output.isDrained) this.output.flush(); // the client may be waiting for a 100 (Continue)
    const outcome = this.body.take(exchange);
    if (outcome === BODY_COMPLETE) return this.process(exchange);
    if (outcome === BODY_REPLIED) return exchange.replied ? this.afterReply(exchange) : this.refused(exchange);
    if (outcome < 0) return this.refuseBody(-outcome, this.body.reason);
    if (outcome === BODY_SHARE_USED) this.againNextTurn();
    return outcome === BODY_STALLED && this.transport.broken && this.close();
  }

  /** Receives the body and sends the reply at the same time, each as far as possible now. */
  private exchanging(): boolean {
    const exchange = this.exchange!;
    const outcome = this.bodyPending ? this.body.take(exchange) : BODY_COMPLETE;
    if (outcome < 0) return this.cutOff("info", this.body.reason); // the reply has begun, so only closing can report the error
    if (outcome === BODY_COMPLETE) this.completeBody(exchange);
    if (outcome === BODY_SHARE_USED) this.againNextTurn();
    return this.writing();
  }

  /** The request is complete: its handler replies now or later. */
  private process(exchange: ServerExchange): boolean {
    if (!this.completeBody(exchange) && !exchange.settled) this.advanceRequest(exchange);
    return exchange.replied ? this.afterReply(exchange) : this.enter(State.Processing);
  }

  /** The body is complete. True if its sink gives the reply. */
  private completeBody(exchange: ServerExchange): boolean {
    const { sink } = exchange;
    exchange.sink = undefined; // there is nothing left to abort
    this.bodyPending = false;
    if (sink === undefined) return false;
    this.guarded(exchange, () => sink.end());
    return sink.answers === true;
  }

  private processing(): boolean {
    if (this.exchange!.replied) return this.afterReply(this.exchange!);
    if (this.exchange!.progress.ready) return this.proceed(this.exchange!);
    return this.hasClientLeft && this.close();
  }

  /** The client waits for its reply no longer. One that has only closed its sending side may wait; a gateway gives it up, as nginx does. */
  private get hasClientLeft(): boolean {
    const { broken, halfClosed } = this.transport;
    return broken || (halfClosed === true && this.exchange?.endsWithClient === true);
  }

  /** A reply was given. The rest of the body goes to its sink if that gave the reply (a script); else nobody reads it. */
  private afterReply(exchange: ServerExchange): boolean {
    if (this.state === State.Closed) return false;
    if (this.tunnelEnd !== null) return this.enter(State.Tunnelling);
    if (this.bodyPending && exchange.sink?.answers === true) return this.enter(State.Exchanging);
    if (this.bodyPending) this.abandonBody(exchange);
    return this.output.isDrained ? this.finishRequest() : this.enter(State.Writing);
  }

  /** Nobody reads the rest of the body: the connection closes after the client had time to read the reply. */
  private abandonBody(exchange: ServerExchange): void {
    this.lingers = true;
    this.unfailing(() => exchange.abortSink());
  }

  private writing(): boolean {
    const outcome = this.output.pump();
    // Part of the next head may have arrived while an earlier reply waited: then the exchange is not the one that was sent.
    if (outcome === PUMP_DRAINED)
      return this.exchange?.replied ? this.finishRequest() : this.enter(State.ReadingHeaders);
    if (outcome === PUMP_LOST) return this.close();
    if (outcome === PUMP_INCOMPLETE) return this.exchange?.explained ? this.close() : this.cutOff("error", INCOMPLETE);
    if (outcome === PUMP_STARVED) return this.hasClientLeft && this.close();
    if (outcome !== PUMP_BLOCKED) this.againNextTurn();
    else if (this.timeouts.isTooSlow(Wait.Send)) return this.cutOff("info", "client reads too slowly", true);
    return false;
  }

  private tunnelling(): boolean {
    const outcome = this.tunnelEnd!.move();
    if (outcome === TUNNEL_BUSY) this.againNextTurn();
    return outcome === TUNNEL_OVER && this.close();
  }

  /** Closes in the middle of a reply. */
  private cutOff(level: LogLevel, reason: string, isTooLate = false): boolean {
    this.exchange?.log(level, reason);
    return isTooLate ? this.closeTimedOut() : this.close();
  }

  private closeTimedOut(): boolean {
    this.resets = this.timeouts.settings.resetTimedoutConnection;
    return this.close();
  }

  /** The reply is in the outbox or sent: ends the request. */
  private finishRequest(): boolean {
    const exchange = this.exchange!;
    if (this.bodyPending) this.abandonBody(exchange);
    const reusable = this.persists();
    // A client that wants to keep the connection may have sent its next request already. Closing with unread bytes resets the connection and destroys the reply.
    if (!reusable && exchange.request.keepAlive) this.lingers = true;
    exchange.isComplete = true;
    this.endExchange(exchange);
    this.timeouts.end();
    return this.enter(reusable ? State.ReadingHeaders : State.Closing);
  }

  private endExchange(exchange: ServerExchange): void {
    exchange.logAccess();
    this.exchange = null;
    this.host.endExchange(exchange);
  }

  /** Sends what is left, then closes; lingers if the client may still be sending. */
  private closing(): boolean {
    const outcome = this.output.pump();
    if (outcome === PUMP_BLOCKED) return this.timeouts.isTooSlow(Wait.Send) && this.close();
    if (outcome === PUMP_LOST) return this.close();
    const { lingeringClose } = this.timeouts.settings;
    const unread = this.lingers || lingeringClose === "always" || !this.input.isEmpty || this.transport.readable;
    if (!unread || lingeringClose === "off" || this.transport.ended || this.transport.broken) return this.close();
    this.transport.shut();
    this.input.drop();
    if (!this.timedOut) return this.enter(State.Lingering);
    this.input.fill(); // closing with unread bytes would reset the connection, and the client might lose the 408
    return this.close();
  }

  /** Discards what the client still sends, so that it can read the reply before a reset (RFC 9112 §9.6). */
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

  /** Refuses a malformed head. The framing is lost, so nothing that follows can be read as a request. */
  private refuseHead(status: number, exchange: ServerExchange): boolean {
    exchange.request.show(this.input.block.bytes, this.input.start, this.input.end);
    exchange.log("info", `client sent an invalid request: ${exchange.parser.reason}`);
    exchange.progress.method = exchange.request.method;
    return this.refuse(status, exchange);
  }

  /** Refuses a well-formed request before its body is read; the connection ends, because the body is not skipped. */
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
    this.bodyPending = true; // nothing that follows is read as a request
    this.dismiss(exchange);
    this.guarded(exchange, () => exchange.fail(status));
    return this.refused(exchange);
  }

  /** The error was answered, or a script is making its page (`error_page`). Nobody reads the rest of the body. */
  private refused(exchange: ServerExchange): boolean {
    this.unfailing(() => exchange.abortSink());
    return exchange.replied ? this.afterReply(exchange) : this.enter(State.Processing);
  }

  /** Tells the sink and the handler that they are no longer needed. */
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

  /** Frees the shared inbox and outbox for the next connection, and starts the timeout of the state. */
  private settle(): void {
    if (this.state !== State.Closed && this.host.outbox.length > 0) this.sendOutput();
    if (this.state === State.Closed || this.transport.lost) return this.release();
    if (!this.output.isDrained && this.state === State.ReadingHeaders) this.state = State.Writing;
    if (this.state !== State.ReadingHeaders) this.exchange?.keepHead();
    this.input.leaveInbox();
    this.timeouts.waitFor(this.neededWait());
  }

  /** Between two requests the reply can wait for the end of the turn. In every other state it is sent now. */
  private sendOutput(): void {
    if (this.state === State.ReadingHeaders) this.output.leave();
    else this.output.flush();
  }

  onOutputStuck(): void {
    try {
      this.settle();
    } catch (error) {
      this.failed(error); // must not throw: other connections are still to be sent in this turn
      this.release();
    }
  }

  /** Gives back everything the connection holds. Only the first call counts. */
  private release(): void {
    this.state = State.Closed;
    if (this.released) return;
    this.released = true;
    this.timeouts.end();
    this.unfailing(() => this.exchange !== null && this.breakOff(this.exchange));
    this.unfailing(() => this.postponed?.discard()); // only after the handler knows that the connection is gone
    this.unfailing(() => this.output.drop());
    this.input.drop();
    this.transport.close(this.resets);
    this.host.connectionClosed(this);
  }

  /** Calls code of a handler. If it throws, the rest is still given back. */
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
    this.exchange = null; // only a part of a head: there is no request to log
    this.host.endExchange(exchange);
  }

  // Timeouts

  private neededWait(): Wait {
    switch (this.state) {
      case State.ReadingHeaders:
        if (this.exchange !== null || this.info.requests === 0) return Wait.Headers;
        return this.leaving ? Wait.LastRequest : Wait.KeepAlive;
      case State.ReadingBody:
        return this.body.stalled ? Wait.Nothing : Wait.Body;
      case State.Exchanging:
        if (!this.transport.writable) return Wait.Send;
        return this.body.stalled || !this.bodyPending ? Wait.Nothing : Wait.Body;
      case State.Processing:
        return Wait.Nothing;
      case State.Tunnelling:
        return this.transport.writable ? Wait.Nothing : Wait.Send; // the far end limits how long nothing moves
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
    else if (this.timeouts.current === Wait.Send) this.cutOff("info", "client timed out", true);
    else if (this.timeouts.current === Wait.Headers) this.closeTimedOut();
    else this.state = State.Closed;
    this.timeouts.end();
  }
}
