/**
 * A connection to a peer as the source of a reply: chooses the peer, connects or takes a kept connection, sends the request, receives
 * the reply, and goes to the next peer where `*_next_upstream` says so. Model: ngx_http_upstream.c.
 *
 *     New -> Queued -> Connecting -> [Handshaking ->] Active -> Over
 *             ^------------|-----------------------------|
 */
import { ERRNO, errnoText } from "../../../ffi/errno.ts";
import type { Block } from "../../../ffi/memory.ts";
import type { FamilySettings } from "../../config/gateway.ts";
import type { Exchange } from "../../exchange/exchange.ts";
import type { Field } from "../../exchange/reply.ts";
import { connectTo } from "../../network/outgoing.ts";
import type { Socket } from "../../network/socket.ts";
import { Timed } from "../../network/timers.ts";
import type { TlsTransport } from "../../network/tls/tls-transport.ts";
import type { Transport, TransportOwner } from "../../network/transport.ts";
import type { RelayLog } from "../relay/log.ts";
import type { RelayedBody, ReplyHead } from "../relay/reply-head.ts";
import type { ReplySource, SourceEvents } from "../relay/source.ts";
import type { HandlerServices } from "../services.ts";
import { type Attempt, type Choice, QUEUED, type UpstreamGroup } from "../upstream/upstream.ts";
import { localAddress } from "./bind.ts";
import { peerUrl, Waiting } from "./error-words.ts";
import { FarEnd, restOf } from "./far-end.ts";
import type { Conversation, Protocol } from "./protocol.ts";
import { type Failure, Retries } from "./retries.ts";
import { RequestSender } from "./sending.ts";
import type { Targets } from "./targets.ts";
import { type UpstreamTls, WANTS_MORE } from "./upstream-tls.ts";

/** What does not depend on the request. */
export interface Passing {
  readonly targets: Targets;
  readonly protocol: Protocol;
  readonly settings: FamilySettings;
  /** How URLs in the error log begin: `http://`. */
  readonly scheme: string;
  /** null: the request goes without TLS. */
  tlsFor(exchange: Exchange): UpstreamTls | null;
}

enum State {
  New,
  /** Waits for a peer with a free connection. */
  Queued,
  Connecting,
  /** TLS is being negotiated. */
  Handshaking,
  /** The request is being sent, or the reply received. */
  Active,
  /** The reply is complete, has failed, or is no longer wanted. There is no connection. */
  Over,
}

export class UpstreamSource extends Timed implements ReplySource, TransportOwner, ReplyHead {
  readonly reason = "";
  private state = State.New;
  private events!: SourceEvents;
  /** Cancels the search for the group. */
  private cancel: () => void = () => {};
  private groupName = "";
  private choice!: Choice;
  /** The current or last one. */
  private attempt: Attempt | null = null;
  /** `attempt` is not over. */
  private attempting = false;
  private transport: Transport | null = null;
  private takenIn = -1; // the reactor's turn in which a kept connection was taken
  private conversation!: Conversation;
  /** Of the current attempt; null: without. */
  private tls: UpstreamTls | null = null;
  private readonly sender: RequestSender;
  private readonly retries: Retries;
  /** The whole head of the reply was parsed, and the reply goes to the client. */
  private accepted = false;
  private headLength = 0; // of the current reply
  /** The relay is being asked to write: what it writes is sent when it has written all. */
  private gathering = false;
  /** The peer of the last attempt is out of use for a while. */
  private isOut = false;
  /** Why the last attempt has failed. */
  failure: Failure = "invalid_header";
  /** The reply was broken off. */
  private broken = false;

  /** @param length of the body: 0: there is none; -1: unknown */
  constructor(
    /** Not used when its client has left, because exchanges are reused: then there is no other attempt. */
    private readonly exchange: Exchange,
    private readonly services: HandlerServices,
    private readonly passing: Passing,
    private readonly length: number,
    private readonly log: RelayLog,
  ) {
    super();
    this.sender = new RequestSender(services.buffers);
    this.retries = new Retries(passing.settings, exchange.method, services.reactor.now);
  }

  // ReplySource

  start(events: SourceEvents): void {
    this.events = events;
    this.exchange.upstream!.source = this;
    this.cancel = this.passing.targets.find(this.exchange, (group) => this.guarded(() => this.onGroup(group)));
  }

  private onGroup(group: UpstreamGroup | string): void {
    if (typeof group === "string") return this.giveUp(502, group);
    this.groupName = group.name;
    this.choice = group.choose(this.exchange);
    this.tryNext();
  }

  write(block: Block, offset: number, length: number): number {
    if (this.state !== State.Active) return this.notWritable();
    return this.wrote(this.sender.write(block, offset, length));
  }

  /** Only for protocols without frames. */
  get sendFile(): ((file: number, position: number, length: number) => number) | undefined {
    return this.sender.takesFiles ? this.writeFile : undefined;
  }

  private writeFile(file: number, position: number, length: number): number {
    if (this.state !== State.Active) return this.notWritable();
    return this.wrote(this.sender.sendFile(file, position, length));
  }

  endInput(): void {
    if (this.state !== State.Active) return;
    this.sender.endInput();
    if (!this.gathering) this.flush();
  }

  read(block: Block, offset: number, length: number): number {
    while (this.state === State.Active) {
      const { transport, conversation } = this;
      if (conversation.complete && !this.accepted) {
        this.onPeerEnd(0); // it has ended without a complete head
        continue;
      }
      if (!transport!.readable) return -ERRNO.EAGAIN;
      const n = transport!.receive(block, offset, length);
      if (n === -ERRNO.EAGAIN) return n;
      if (n <= 0) this.onPeerEnd(n);
      else if (this.isUnasked) this.fail("error", 502, `upstream sent data before the request ${Waiting.Head}`);
      else {
        const payload = this.received(conversation, block, offset, n);
        if (payload > 0) return payload;
      }
    }
    if (this.state !== State.Over) return -ERRNO.EAGAIN;
    return this.broken ? -ERRNO.ECONNRESET : 0;
  }

  terminate(): void {
    if (this.state === State.Queued) this.choice.leave();
    if (this.state === State.New) this.cancel();
    if (this.state < State.Connecting || this.state > State.Active) return;
    this.log.note("info", `client prematurely closed connection, so upstream connection is closed too ${this.waiting}`);
  }

  leave(): void {
    if (this.state !== State.Over) this.finish(true, false);
  }

  // ReplyHead: that of the current attempt. A head that leads to the next peer is not shown to the relay.

  feed(bytes: Buffer, start: number, end: number): number {
    const { replyHead } = this.conversation;
    const used = replyHead.feed(bytes, start, end);
    this.headLength += used > 0 ? used : end - start;
    if (used < 0) this.fail("invalid_header", 502, `upstream sent ${replyHead.reason} ${Waiting.Head}`);
    else if (used > 0 && !this.acceptsStatus()) return 0;
    if (used > 0 && this.conversation.complete) this.complete();
    return Math.max(0, used);
  }

  get contentLength(): number {
    return this.conversation.replyHead.contentLength;
  }

  reply(exchange: Exchange, body: RelayedBody): void {
    this.choice.accepted(this.attempt!, exchange);
    const fields = this.conversation.upgrade?.(exchange) ?? null;
    if (fields === null) this.conversation.replyHead.reply(exchange, body);
    else this.openTunnel(exchange, fields, body);
  }

  /** The connection becomes the far end of a tunnel, which closes it. The relay's part is over. */
  private openTunnel(exchange: Exchange, fields: readonly Field[], body: RelayedBody): void {
    const { transport, attempt } = this;
    const { reactor, buffers } = this.services;
    attempt!.record.bytesSent = this.sender.bytesSent;
    reactor.timers.stop(this);
    this.sender.release();
    this.state = State.Over; // the relay reads and writes no more
    this.transport = null;
    this.attempting = false;
    const rest = restOf(body, buffers);
    body.hook?.onAbandoned();
    body.close();
    const idleTimeout = this.passing.settings.readTimeout;
    const far = new FarEnd(exchange, reactor, {
      transport: transport!,
      attempt: attempt!,
      idleTimeout,
      url: this.url,
      rest,
    });
    exchange.upstream!.source = far; // tunnels are many and last long: this source is not to
    exchange.tunnel(fields, far);
  }

  /** For the error log. The group's name stands for a peer that it did not have. */
  get url(): string {
    const { scheme } = this.passing;
    const peer = this.attempt?.peer ?? { name: this.groupName };
    if (!scheme.startsWith("http") || this.groupName === "") return peerUrl(scheme, peer.name, null);
    this.conversation ??= this.converse() as Conversation; // HTTP carries all
    return peerUrl(scheme, peer.name, this.conversation.head);
  }

  /** Whether the reply goes to the client. If not, the next peer is being tried. */
  private acceptsStatus(): boolean {
    const { status } = this.conversation;
    const { record } = this.attempt!;
    record.status = status;
    record.headerTime = this.now - record.startedAt;
    this.accepted = true;
    if (status < 400 || this.choice.tries <= 1) return true;
    const failure: Failure = `http_${status}`;
    if (!this.retries.goesOn(failure, this.isSent, this.now) || !this.rewinds()) return true;
    this.accepted = false;
    this.finish(status === 403 || status === 404, false);
    this.goOn();
    return false;
  }

  // The attempts

  private tryNext(): void {
    const attempt = this.choice.next(() => this.guarded(() => this.tryNext()));
    if (attempt === QUEUED) this.state = State.Queued;
    else if (attempt === null) this.giveUp(502, `no live upstreams ${Waiting.Connect}`);
    else {
      this.retries.count();
      this.begin(attempt);
    }
  }

  /** To the next peer, after one that has failed. */
  private goOn(): void {
    const waiting = this.attempt!.record.connectTime < 0 ? Waiting.Connect : Waiting.Head;
    if (this.isOut) this.log.note("warn", `upstream server temporarily disabled ${waiting}`);
    this.tryNext();
  }

  private begin(attempt: Attempt): void {
    this.attempt = attempt;
    this.attempting = true;
    this.accepted = false;
    this.headLength = 0;
    const conversation = this.converse();
    if (typeof conversation === "string") {
      this.finish(true, false);
      return this.events.onFailed(500, conversation);
    }
    this.conversation = conversation;
    if (attempt.kept !== null) return this.take(attempt.kept);
    const { settings } = this.passing;
    const { kernel, reactor } = this.services;
    const options = { ...localAddress(settings.bind, this.exchange), keepalive: settings.socketKeepalive };
    const socket = connectTo(kernel, reactor, attempt.peer.address, this, options);
    if (typeof socket === "number") return this.connectFailed(-socket);
    this.transport = socket;
    this.state = State.Connecting;
    if (socket.writable) this.onConnected();
    else reactor.timers.start(this, settings.connectTimeout, reactor.now);
  }

  private converse(): Conversation | string {
    return this.passing.protocol.begin(this.exchange, { length: this.length }, (text) => this.log.note("error", text));
  }

  private take(kept: Transport): void {
    this.transport = kept;
    this.takenIn = this.services.reactor.turns;
    kept.owner = this;
    this.connected();
  }

  private connectFailed(error: number): void {
    this.fail("error", 502, `connect() failed (${errnoText(-error)}) ${Waiting.Connect}`);
  }

  private connected(): void {
    const { record } = this.attempt!;
    record.connectTime = this.now - record.startedAt;
    this.state = State.Active;
    this.sender.begin(this.conversation, this.transport!);
    this.askForBody();
  }

  /** The relay writes as much of the body as it has, and then all of it is sent. */
  private askForBody(): void {
    this.gathering = true;
    this.events.onWritable();
    this.gathering = false;
    this.flush();
  }

  private wrote(n: number): number {
    const { transport } = this;
    if (n > 0 && !this.gathering) this.flush();
    else if (n < 0 && n !== -ERRNO.EAGAIN) this.onSendFailed(n);
    if (this.transport === transport || this.state === State.Over) return n;
    // Another attempt has begun: the bytes are not taken, and it asks for them.
    this.services.reactor.again({ onTurn: () => this.guarded(() => this.state === State.Active && this.askForBody()) });
    return -ERRNO.EAGAIN;
  }

  /** Before a connection is there the relay waits; after the reply the rest of the body is not wanted. */
  private notWritable(): number {
    return this.state === State.Over ? -ERRNO.EPIPE : -ERRNO.EAGAIN;
  }

  private flush(): void {
    if (this.state !== State.Active || this.sender.complete) return;
    const n = this.sender.flush();
    if (n < 0 && n !== -ERRNO.EAGAIN) return this.onSendFailed(n);
    this.waitFor(n === 0 ? this.passing.settings.readTimeout : this.passing.settings.sendTimeout);
  }

  /** The peer may have replied before it closed, then that is the reply; after EPIPE the connection will be readable. */
  private onSendFailed(error: number): void {
    if (this.transport!.readable || this.accepted) return;
    if (error === -ERRNO.EPIPE) return this.waitFor(this.passing.settings.readTimeout);
    this.fail("error", 502, `send() failed (${errnoText(error)}) ${Waiting.Send}`);
  }

  // The reply

  /** Bytes of payload in the block. */
  private received(conversation: Conversation, block: Block, offset: number, length: number): number {
    const { record } = this.attempt!;
    record.bytesReceived += length;
    const n = conversation.decode(block.bytes, offset, offset + length);
    if (n < 0) this.onMalformed(conversation.reason);
    else if (conversation.complete && this.accepted) this.complete();
    else this.waitFor(this.passing.settings.readTimeout);
    return Math.max(0, n);
  }

  /** What came on a kept connection is not for this request: it was there before a byte of the request was sent. */
  private get isUnasked(): boolean {
    const { kept, record } = this.attempt!;
    const isEarly = this.takenIn === this.services.reactor.turns || this.sender.bytesSent === 0;
    return isEarly && kept !== null && record.bytesReceived === 0;
  }

  private complete(): void {
    this.finish(true, this.conversation.reusable && this.sender.complete);
  }

  private onMalformed(reason: string): void {
    if (this.accepted) return this.fail("error", 502, `upstream sent ${reason} ${Waiting.Body}`);
    this.fail("invalid_header", 502, `upstream sent ${reason} ${Waiting.Head}`);
  }

  /** @param error 0: the end of the stream; -errno */
  private onPeerEnd(error: number): void {
    if (error === 0 && this.accepted && this.conversation.onEnd()) return this.finish(true, false);
    const reason = error === 0 ? "upstream prematurely closed connection" : `recv() failed (${errnoText(error)})`;
    this.fail("error", 502, `${reason} ${this.accepted ? Waiting.Body : Waiting.Head}`);
  }

  // TransportOwner, Timed

  onReady(): void {
    try {
      if (this.state === State.Connecting) this.onConnect();
      else if (this.state === State.Handshaking) this.onHandshake();
      else if (this.state === State.Active) this.onActive();
    } catch (error) {
      this.events.onBug(error);
    }
  }

  private onConnect(): void {
    const error = (this.transport as Socket).connectError();
    if (error !== 0) this.connectFailed(error);
    else if (this.transport!.writable) this.onConnected();
  }

  private onConnected(): void {
    this.tls = this.passing.tlsFor(this.exchange);
    if (this.tls === null) return this.connected();
    this.transport = this.tls.over(this.transport!, this.exchange);
    this.state = State.Handshaking;
    this.waitFor(this.passing.settings.connectTimeout);
    this.onHandshake();
  }

  private onHandshake(): void {
    const refusal = this.tls!.handshake(this.transport as TlsTransport);
    if (refusal === WANTS_MORE) return;
    if (refusal === null) this.connected();
    else this.fail("error", 502, `${refusal} ${Waiting.Handshake}`);
  }

  private onActive(): void {
    const { transport } = this;
    if (transport!.writable && !this.sender.complete) this.onWritable();
    if (this.transport === transport && transport !== null && transport.readable) this.events.onReadable();
  }

  private onWritable(): void {
    this.flush();
    if (this.state === State.Active && !this.sender.complete && this.transport!.writable) this.askForBody();
  }

  onTimeout(): void {
    this.guarded(() => {
      if (this.state !== State.Active) return this.timedOut(this.waiting);
      // The client is slow, not the peer.
      if (this.transport!.readable || (!this.sender.complete && this.events.waitsForClient)) {
        return this.waitFor(this.passing.settings.readTimeout);
      }
      this.timedOut(this.waiting);
    });
  }

  private get waiting(): Waiting {
    if (this.state === State.Connecting) return Waiting.Connect;
    if (this.state === State.Handshaking) return Waiting.Handshake;
    return this.accepted ? Waiting.Body : this.sender.complete ? Waiting.Head : Waiting.Send;
  }

  private timedOut(waiting: Waiting): void {
    this.fail("timeout", 504, `upstream timed out (${errnoText(-ERRNO.ETIMEDOUT)}) ${waiting}`);
  }

  // The end of an attempt

  /** The attempt has failed: the next one begins, or the relay is told. */
  private fail(failure: Failure, status: number, reason: string): void {
    const { attempt, accepted } = this;
    this.failure = failure;
    const sent = this.isSent;
    const isStale = failure === "error" && attempt!.kept !== null && attempt!.record.bytesReceived === 0;
    if (accepted) this.broken = true;
    else attempt!.record.status = status;
    if (isStale && this.retries.mayRepeat(sent) && this.rewinds()) {
      this.finish(true, false);
      return this.begin(this.choice.again(attempt!));
    }
    this.finish(false, false);
    if (accepted) return this.events.onFailed(status, reason);
    const mayGoOn = this.choice.tries > 0 && this.retries.goesOn(failure, sent, this.now);
    if (!mayGoOn || !this.rewinds()) return this.events.onFailed(status, reason);
    this.log.note("error", reason);
    this.goOn();
  }

  private giveUp(status: number, reason: string): void {
    this.state = State.Over;
    this.failure = "error";
    this.attempt = null; // the log names the group
    this.events.onFailed(status, reason);
  }

  /** Ends the attempt and its connection. @param keep whether the connection can serve another request */
  private finish(ok: boolean, keep: boolean): void {
    const { transport, attempt } = this;
    this.services.reactor.timers.stop(this);
    this.state = State.Over;
    this.transport = null;
    this.sender.release();
    if (transport !== null && !keep) transport.close();
    if (!this.attempting) return;
    this.attempting = false;
    const { record } = attempt!;
    record.responseTime = this.now - record.startedAt;
    record.bytesSent = this.sender.bytesSent;
    if (this.accepted) record.responseLength = Math.max(0, record.bytesReceived - this.headLength); // with its framing, as nginx
    this.isOut = this.choice.done(attempt!, ok, keep ? transport : null);
  }

  /** Whether the peer may have seen the request. */
  private get isSent(): boolean {
    return this.state === State.Active && this.sender.bytesSent > 0;
  }

  /** Whether the request can be sent again: its client is there, and its body too. */
  private rewinds(): boolean {
    return this.events.rewind();
  }

  private get now(): number {
    return this.services.reactor.now;
  }

  private waitFor(duration: number): void {
    const { timers, now } = this.services.reactor;
    timers.start(this, duration, now);
  }

  /** Calls from the reactor: an exception costs this request only. */
  private guarded(call: () => void): void {
    try {
      call();
    } catch (error) {
      this.events.onBug(error);
    }
  }
}
