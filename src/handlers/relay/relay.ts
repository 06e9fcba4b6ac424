/**
 * Connects one request with the source that answers it (a script): passes the body in and the reply out at the same time, each as
 * fast as both sides allow.
 *
 *     New -> Gathering -> Starting -> AwaitingHead -> Replying -> Over
 */
import { ERRNO, errnoText } from "../../../ffi/errno.ts";
import type { Block } from "../../../ffi/memory.ts";
import type { Exchange } from "../../exchange/exchange.ts";
import type { BodySink } from "../../exchange/handler.ts";
import type { Field, StreamBody } from "../../exchange/reply.ts";
import type { Unfinished } from "../../network/reactor.ts";
import { exceptionText } from "../errors.ts";
import type { HandlerServices } from "../services.ts";
import type { RelayLog } from "./log.ts";
import type { RequestBody } from "./request-body.ts";
import type { ReplySource, SourceEvents } from "./source.ts";

/** Bytes that one read asks for before the head of the reply is complete. */
const HEAD_PIECE = 64 * 1024;

/** Parses the head of a source's reply, fed in pieces of any size. */
export interface ReplyHead {
  /** Bytes used of bytes[start, end) when the head is complete; 0: it is not complete; -1: malformed, see `reason`. Copies what it needs. */
  feed(bytes: Buffer, start: number, end: number): number;
  readonly reason: string;
  /** Content-Length; -1: not given. */
  readonly contentLength: number;
  /** Replies with `body`, or closes it and replies with something else. */
  reply(exchange: Exchange, body: StreamBody): void;
}

enum State {
  New,
  /** Receiving the beginning of the body; the source is not started. */
  Gathering,
  /** The source was asked to start. */
  Starting,
  AwaitingHead,
  /** The reply has begun. */
  Replying,
  /** The request is over. The source may still run. */
  Over,
}

export class Relay implements BodySink, StreamBody, SourceEvents, Unfinished {
  readonly kind = "stream";
  readonly answers = true;
  length = -1;
  private state = State.New;
  /** null when the request is over, because exchanges are reused. */
  private exchange: Exchange | null;
  /** Bytes of the body that came with the head and are not sent yet. */
  private rest: Buffer | null = null;
  private bodyFirst = false;
  /** The reply has begun and cannot be completed. */
  private broken = false;

  /** @param head null: the source sends the complete reply, with its status line (RFC 3875 §5, NPH) */
  constructor(
    exchange: Exchange,
    private readonly services: HandlerServices,
    private readonly source: ReplySource,
    private readonly head: ReplyHead | null,
    private readonly body: RequestBody,
    private readonly log: RelayLog,
  ) {
    this.exchange = exchange;
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
    if (this.state === State.Over) return end - start; // nobody needs the rest
    if (this.runs) at += this.body.write(this.source, block, at, end);
    return at - start;
  }

  end(): void {
    this.body.end();
    this.startWhenReady();
    if (this.runs) this.body.flow(this.source);
  }

  /** The body will not be complete, because the reply is complete already or the client has left. */
  abort(): void {
    this.body.end();
    if (this.state !== State.Replying) return this.abandon();
    this.body.release();
    this.source.endInput();
  }

  private get runs(): boolean {
    return this.state === State.AwaitingHead || this.state === State.Replying;
  }

  // StreamBody

  read(block: Block, offset: number, length: number): number {
    if (this.broken) return -ERRNO.EIO;
    if (this.rest === null) return this.source.read(block, offset, length);
    const n = this.rest.copy(block.bytes, offset, 0, length);
    this.rest = n < this.rest.length ? this.rest.subarray(n) : null;
    return n;
  }

  close(): void {
    this.forget();
    this.source.leave();
  }

  // SourceEvents

  get waitsForClient(): boolean {
    return this.exchange !== null && this.body.waitsForClient;
  }

  onWritable(): void {
    if (this.state === State.Starting) this.state = State.AwaitingHead;
    if (!this.runs) return;
    this.body.flow(this.source);
    if (this.body.pending) this.exchange?.resume();
  }

  onReadable(): void {
    if (this.state === State.Replying) this.exchange?.resume();
    else if (this.state !== State.AwaitingHead) return;
    else if (this.body.pending && !this.bodyFirst) this.takeBodyFirst();
    else this.readHead();
  }

  /** Takes the part of the body that has arrived before the reply begins: if that completes the body, the connection can go on after the reply. */
  private takeBodyFirst(): void {
    this.bodyFirst = true;
    this.exchange?.resume();
    this.services.reactor.again(this);
  }

  onTurn(): void {
    try {
      this.onReadable();
    } catch (error) {
      this.onBug(error);
    }
  }

  onFailed(status: number, reason: string, fields?: readonly Field[]): void {
    if (this.state !== State.Replying) return this.fail(status, reason, fields);
    this.broken = true;
    this.log.line(reason);
    this.exchange?.resume();
  }

  onBug(error: unknown): void {
    if (this.exchange === null) this.services.log("crit", exceptionText(error));
    else this.exchange.crash(error);
    this.source.terminate();
  }

  // The reply

  private readHead(): void {
    const { buffers } = this.services;
    const block = buffers.take(HEAD_PIECE);
    try {
      while (this.state === State.AwaitingHead && this.readPiece(block));
    } finally {
      buffers.release(block);
    }
  }

  /** Reads a piece of the head. False: there is none now, or the head is complete, or it failed. */
  private readPiece(block: Block): boolean {
    const n = this.source.read(block, 0, block.bytes.length);
    if (n === -ERRNO.EAGAIN) return false;
    if (n === 0 || n === -ERRNO.ECONNRESET) this.fail(502, "ended before its header block did");
    else if (n < 0) this.fail(502, `could not be read (${errnoText(n)})`);
    else return this.takePiece(block.bytes.subarray(0, n));
    return false;
  }

  private takePiece(bytes: Buffer): boolean {
    const { head } = this;
    const used = head === null ? 0 : head.feed(bytes, 0, bytes.length);
    if (used < 0) this.fail(502, `gave a bad header block: ${head!.reason}`);
    else if (used > 0 || head === null) this.reply(bytes.subarray(used));
    return used === 0;
  }

  private reply(rest: Buffer): void {
    const { exchange, head } = this;
    this.state = State.Replying;
    this.rest = rest.length > 0 ? Buffer.from(rest) : null;
    if (head !== null) this.length = head.contentLength;
    answer(exchange!, (to) => (head === null ? to.replyRaw(this) : head.reply(to, this)));
  }

  /** The source has failed: the client gets an error. */
  private fail(status: number, reason: string, fields?: readonly Field[]): void {
    const { exchange } = this;
    if (exchange === null) return;
    this.source.logErrors?.();
    this.log.failure(reason);
    this.forget();
    this.source.leave();
    answer(exchange, (to) => to.fail(status, fields));
  }

  /** The client is gone: ends the source. */
  private abandon(): void {
    if (this.exchange === null) return;
    this.forget();
    this.source.terminate();
    this.source.leave();
  }

  private forget(): void {
    if (this.exchange !== null) this.exchange.onGone = null;
    this.exchange = null;
    this.state = State.Over;
    this.rest = null;
    this.body.release();
    this.log.forgetRequest();
  }
}

/** Calls `reply`. If it throws, only this exchange fails, not the caller (the reactor or another source). */
function answer(exchange: Exchange, reply: (exchange: Exchange) => void): void {
  try {
    reply(exchange);
  } catch (error) {
    exchange.crash(error);
  }
}
