/**
 * The body of a reply on its way from its source to the client. Usually each read of the client's connection is a read of the source.
 * With buffering, what the client does not take at the moment is read ahead, so that the source is free as soon as it has replied.
 */
import { ERRNO } from "../../../ffi/errno.ts";
import type { Block } from "../../../ffi/memory.ts";
import type { FilePart } from "../../exchange/reply.ts";
import type { HandlerServices } from "../services.ts";
import type { RelayLog } from "./log.ts";
import { Pace } from "./pace.ts";
import { ReadAhead } from "./read-ahead.ts";
import { type PieceReader, ReplyBuffer } from "./reply-buffer.ts";
import type { RelayedBody, RelaySettings } from "./reply-head.ts";
import type { ReplySource } from "./source.ts";
import type { ReplyHook, ReplyWatcher } from "./watcher.ts";

/** Bytes that one read of a reply that nobody takes asks for, and most such reads in a row. */
const UNWANTED_PIECE = 64 * 1024;
const UNWANTED_READS = 16;

/** The relay that the stream belongs to. */
export interface StreamOwner {
  /** The source gives no more: the reply is complete, or broken off. */
  onEnded(): void;
  /** The client has the reply, or takes no more of it. */
  onClosed(): void;
  /** The stream asks for a call of `onMore` in the next turn. */
  nextTurn(): void;
  /** The client's connection can read again. */
  resume(): void;
}

export class ReplyStream implements RelayedBody, PieceReader {
  readonly kind = "stream";
  length = -1;
  /** The source gives no more. */
  ended = false;
  /** What `read` gives when everything was read: 0, or -errno if the reply was broken off. */
  private outcome = 0;
  /** Bytes that the source has given. */
  private received = 0;
  private readonly held: ReplyBuffer;
  /** null: there is no limit. */
  private pace: Pace | null = null;
  private ahead: ReadAhead | null = null;
  private buffering: boolean;
  private watcher: ReplyWatcher | null = null;

  /** @param settings null: the reply is passed on as it comes */
  constructor(
    readonly services: HandlerServices,
    private readonly source: ReplySource,
    private readonly settings: RelaySettings | null,
    log: RelayLog,
    private readonly owner: StreamOwner,
    readonly hook: ReplyHook | null = null,
  ) {
    this.buffering = settings?.buffering === true;
    this.held = new ReplyBuffer(services, settings, log);
    if (settings !== null && settings.limitRate > 0)
      this.pace = new Pace(services, settings.limitRate, () => this.owner.nextTurn());
  }

  /** Someone needs the whole reply, whether the client does or not. */
  get isWatched(): boolean {
    return this.watcher?.wantsAll === true;
  }

  /** The body begins. block[start, end), which came with the head, is its first piece. True: the stream keeps the block; false: a copy. */
  begin(length: number, block: Block, start: number, end: number): boolean {
    this.length = length;
    this.received = this.within(end - start);
    this.pace?.read(end - start);
    const kept = this.held.keep(block, start, start + this.received);
    if (this.received >= length && length >= 0) this.end(0);
    return kept;
  }

  // RelayedBody

  buffers(on: boolean): void {
    this.buffering = on && this.settings !== null;
  }

  watch(watcher: ReplyWatcher): void {
    this.watcher = watcher;
    this.held.show((block, start, end) => watcher.onBody(block, start, end));
    if (this.ended) this.endWatching();
  }

  whole(): Buffer | null {
    return this.ended && this.outcome === 0 ? this.held.all() : null;
  }

  read(block: Block, offset: number, length: number): number {
    this.ahead?.stop();
    const held = this.held.read(block, offset, length);
    if (held < 0 || held === length || !this.held.isEmpty) return held;
    const more = this.receive(block, offset + held, length - held);
    return held === 0 ? more : held + Math.max(0, more);
  }

  inFile(): FilePart | null {
    const part = this.held.inFile();
    if (part !== null) this.ahead?.stop();
    return part;
  }

  sentFromFile(bytes: number): void {
    this.held.skip(bytes);
  }

  readAhead(): void {
    if (!this.buffering || this.ended) return;
    this.ahead ??= new ReadAhead(this.services, this.held, this, () => this.owner.nextTurn());
    if (this.ahead.read()) this.owner.nextTurn();
  }

  close(): void {
    this.release();
    this.owner.onClosed();
  }

  // For the relay

  /** The source may have more: while the client takes nothing it is read ahead, else the client gets it. */
  onMore(): void {
    if (this.ahead?.waiting === true) this.readAhead();
    else this.owner.resume();
  }

  /** The source was broken off. */
  fail(): void {
    if (!this.ended) this.end(-ERRNO.EIO);
  }

  /** Gives back what is held. */
  release(): void {
    this.ahead?.stop();
    this.pace?.stop();
    this.held.release();
  }

  /** Nobody reads it any more. */
  abandon(): void {
    this.release();
    if (!this.ended) this.endWatching(false);
  }

  /** Reads what nobody takes. Then there may be more: another call follows. */
  discard(): void {
    const { buffers } = this.services;
    const block = buffers.take(UNWANTED_PIECE);
    let n = 1;
    for (let reads = 0; n > 0 && reads < UNWANTED_READS; reads++) n = this.receive(block, 0, UNWANTED_PIECE);
    buffers.release(block);
    if (n > 0) this.owner.nextTurn();
  }

  // PieceReader

  receive(block: Block, offset: number, length: number): number {
    if (this.ended) return this.outcome;
    const most = this.buffering && this.pace !== null ? this.pace.within(length) : length;
    const given = most === 0 ? -ERRNO.EAGAIN : this.source.read(block, offset, most);
    if (given <= 0) {
      if (given !== -ERRNO.EAGAIN) this.end(given);
      return given;
    }
    const n = this.within(given);
    this.gave(block, offset, n);
    return n;
  }

  /** Of `given` bytes those that belong to the reply. As nginx: a program that sends more than its Content-Length is cut there. */
  private within(given: number): number {
    return this.length < 0 ? given : Math.min(given, this.length - this.received);
  }

  private gave(block: Block, offset: number, n: number): void {
    this.received += n;
    this.pace?.read(n);
    this.watcher?.onBody(block, offset, offset + n);
    if (this.length >= 0 && this.received >= this.length) this.end(0);
  }

  private end(outcome: number): void {
    this.ended = true;
    this.outcome = outcome;
    this.endWatching();
    this.owner.onEnded();
  }

  private endWatching(whole = this.outcome === 0): void {
    const { watcher } = this;
    this.watcher = null;
    watcher?.onEnd(whole);
  }
}
