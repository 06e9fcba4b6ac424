/**
 * Connects one request with the source that answers it (a script, another server): passes the body in and the reply out at the same
 * time, each as fast as both sides allow.
 *
 *     New -> Gathering -> Starting -> AwaitingHead -> Replying -> Over
 *                                           |-> Draining <-|
 */
import { ERRNO, errnoText } from "../../../ffi/errno.ts";
import type { Block } from "../../../ffi/memory.ts";
import type { Exchange } from "../../exchange/exchange.ts";
import type { BodySink } from "../../exchange/handler.ts";
import type { Field } from "../../exchange/reply.ts";
import type { Unfinished } from "../../network/reactor.ts";
import { exceptionText } from "../errors.ts";
import type { HandlerServices } from "../services.ts";
import type { RelayLog } from "./log.ts";
import type { RelaySettings, ReplyHead } from "./reply-head.ts";
import { ReplyStream, type StreamOwner } from "./reply-stream.ts";
import type { RequestBody } from "./request-body.ts";
import type { ReplySource, SourceEvents } from "./source.ts";
import type { ReplyHook } from "./watcher.ts";

/** Bytes that one read asks for before the head of the reply is complete. */
const HEAD_PIECE = 64 * 1024;

enum State {
  New,
  /** Receiving the beginning of the body; the source is not started. */
  Gathering,
  /** The source was asked to start. */
  Starting,
  AwaitingHead,
  /** The reply has begun. */
  Replying,
  /** The client has left or takes no more. The reply is read to its end all the same, while someone wants it. */
  Draining,
  /** The request is over. The source may still run. */
  Over,
}

export class Relay implements BodySink, SourceEvents, StreamOwner, Unfinished {
  readonly answers = true;
  private state = State.New;
  /** null when the request is over, because exchanges are reused. */
  private exchange: Exchange | null;
  private bodyFirst = false;
  private headLength = 0;
  private readonly stream: ReplyStream;
  /** `source.leave` was called. */
  private left = false;
  /** `onTurn` will be called. */
  private queued = false;

  /**
   * @param head null: the source sends the complete reply, with its status line (RFC 3875 §5, NPH)
   * @param settings null: the reply is passed on as it comes, and its head may have any length
   */
  constructor(
    exchange: Exchange,
    private readonly services: HandlerServices,
    private readonly source: ReplySource,
    private readonly head: ReplyHead | null,
    private readonly body: RequestBody,
    private readonly log: RelayLog,
    private readonly settings: RelaySettings | null = null,
    private readonly hook: ReplyHook | null = null,
  ) {
    this.exchange = exchange;
    this.stream = new ReplyStream(services, source, settings, log, this, hook);
  }

  /** Starts the source as soon as enough of the body has come; at once if there is no body to wait for. */
  begin(): void {
    this.exchange!.onGone = () => this.abandon();
    this.state = State.Gathering;
    this.startWhenReady();
  }

  private startWhenReady(): void {
    if (this.state !== State.Gathering || !this.body.ready) return;
    this.state = State.Starting;
    this.source.start(this);
  }

  // BodySink

  accept(block: Block, start: number, end: number): number {
    let at = start;
    if (this.state === State.Gathering) at += this.body.hold(block, at, end);
    this.startWhenReady();
    if (this.state === State.Over || this.left) return end - start; // nobody needs the rest
    if (this.runs) at += this.body.write(this.source, block, at, end);
    return at - start;
  }

  end(): void {
    this.body.end();
    this.startWhenReady();
    this.flow();
  }

  /** The body will not be complete, because the reply is complete already or the client has left. */
  abort(): void {
    this.body.end();
    if (this.state !== State.Replying) return this.abandon();
    this.body.release();
    if (this.stream.ended) this.leaveSource();
    else this.source.endInput();
  }

  private get runs(): boolean {
    return !this.left && this.state >= State.AwaitingHead && this.state <= State.Draining;
  }

  /** Writes what is held of the body as far as the source takes it. */
  private flow(): void {
    if (this.runs && this.body.flow(this.source)) this.nextTurn();
  }

  // StreamOwner

  /** The source is left before the client has the reply, so that it can serve others; but not before it has the request's body. */
  onEnded(): void {
    if (!this.body.pending) this.leaveSource();
  }

  onClosed(): void {
    if (this.state !== State.Replying) return; // the client has left before
    if (this.isWanted) this.drain();
    else this.finish();
  }

  nextTurn(): void {
    if (this.queued) return;
    this.queued = true;
    this.services.reactor.again(this);
  }

  resume(): void {
    this.exchange?.resume();
  }

  // SourceEvents

  get waitsForClient(): boolean {
    return this.exchange !== null && this.body.waitsForClient;
  }

  onWritable(): void {
    if (this.state === State.Starting) this.state = State.AwaitingHead;
    if (!this.runs) return;
    this.flow();
    if (this.body.pending) this.resume();
  }

  onReadable(): void {
    switch (this.state) {
      case State.AwaitingHead:
        return this.body.pending && !this.bodyFirst ? this.takeBodyFirst() : this.readHead();
      case State.Replying:
        return this.stream.onMore();
      case State.Draining:
        this.stream.discard();
        if (!this.isWanted) this.finish(); // it has ended, or the cache could not store it
    }
  }

  rewind(): boolean {
    this.headLength = 0;
    return this.exchange !== null && this.body.rewind();
  }

  /** Takes the part of the body that has arrived before the reply begins: if that completes the body, the connection can go on after the reply. */
  private takeBodyFirst(): void {
    this.bodyFirst = true;
    this.resume();
    this.nextTurn();
  }

  onTurn(): void {
    this.queued = false;
    try {
      this.flow();
      this.onReadable();
    } catch (error) {
      this.onBug(error);
    }
  }

  onFailed(status: number, reason: string, fields?: readonly Field[]): void {
    if (this.state === State.Over) return;
    if (this.state < State.Replying) return this.fail(status, reason, fields);
    this.log.line(reason);
    if (this.exchange !== null) this.exchange.explained = true;
    this.stream.fail();
    if (this.state === State.Draining) this.finish();
    else this.resume();
  }

  onBug(error: unknown): void {
    if (this.exchange === null) this.services.log("crit", exceptionText(error));
    else this.exchange.crash(error);
    this.source.terminate();
  }

  // The reply

  /** Reads the head, and what comes with it of the body. */
  private readHead(): void {
    const { buffers } = this.services;
    const block = buffers.take(HEAD_PIECE);
    let kept = false;
    try {
      while (this.state === State.AwaitingHead) {
        const n = this.source.read(block, 0, block.bytes.length);
        if (n <= 0) return this.noHead(n);
        const used = this.takeHead(block.bytes, n);
        if (used < 0) continue;
        kept = this.stream.begin(this.head?.contentLength ?? -1, block, used, n);
        this.reply();
      }
    } finally {
      if (!kept) buffers.release(block);
    }
  }

  private noHead(n: number): void {
    if (n === -ERRNO.EAGAIN) return;
    if (n === 0 || n === -ERRNO.ECONNRESET) this.fail(502, "ended before its header block did");
    else this.fail(502, `could not be read (${errnoText(n)})`);
  }

  /** Bytes of bytes[0, end) that belong to the head, if it is complete; -1: it is not, or it is refused. */
  private takeHead(bytes: Buffer, end: number): number {
    const { head } = this;
    if (head === null) return 0;
    this.headLength += end;
    const used = head.feed(bytes, 0, end);
    if (used > 0) this.headLength -= end - used;
    if (this.state !== State.AwaitingHead) return -1;
    if (used < 0) this.fail(502, `gave a bad header block: ${head.reason}`);
    else if (this.headLength > (this.settings?.bufferSize ?? Number.POSITIVE_INFINITY))
      this.fail(502, "sent too big header while reading response header from upstream");
    else if (used > 0) return used;
    return -1;
  }

  private reply(): void {
    const { exchange, head, stream } = this;
    this.state = State.Replying;
    if (exchange === null) return this.drain();
    answer(exchange, (to) => (head === null ? to.replyRaw(stream) : head.reply(to, stream)));
  }

  // The end

  /** The source has failed: the client gets an error. */
  private fail(status: number, reason: string, fields?: readonly Field[]): void {
    const { exchange, hook } = this;
    if (exchange === null) return this.finish();
    this.source.logErrors?.();
    this.log.failure(reason);
    this.finish();
    answer(exchange, (to) => hook?.onFailure(to, status) || to.fail(status, fields));
  }

  /** The client is gone. */
  private abandon(): void {
    if (this.exchange === null) return;
    if (this.state < State.Replying) this.hook?.onAbandoned();
    if (this.isWanted) return this.drain();
    if (!this.left) this.source.terminate();
    this.finish();
  }

  /** Whether the source is to complete its reply without a client (proxy_ignore_client_abort, or a cache that waits for it). */
  private get isWanted(): boolean {
    if (!this.runs || this.stream.ended || this.body.pending) return false;
    return this.settings?.ignoreClientAbort === true || this.stream.isWatched;
  }

  /** Goes on without the client: first to the end of the head, then to that of the body. */
  private drain(): void {
    const next = this.state === State.AwaitingHead ? State.AwaitingHead : State.Draining;
    this.forget();
    this.stream.release();
    this.state = next;
    this.nextTurn();
  }

  private finish(): void {
    this.forget();
    this.stream.abandon();
    this.leaveSource();
  }

  private leaveSource(): void {
    if (this.left) return;
    this.left = true;
    this.body.release();
    this.source.leave();
  }

  private forget(): void {
    if (this.exchange !== null) this.exchange.onGone = null;
    this.exchange = null;
    this.state = State.Over;
    this.log.forgetRequest();
  }
}

/** Calls `reply`. If it throws, only this exchange fails, not the caller (the reactor or another source). */
function answer(exchange: Exchange, reply: (exchange: Exchange) => unknown): void {
  try {
    reply(exchange);
  } catch (error) {
    exchange.crash(error);
  }
}
