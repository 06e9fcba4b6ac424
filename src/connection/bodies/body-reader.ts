/** Passes the body of a request from the input to its sink, as fast as both allow. */
import type { Block } from "../../../ffi/memory.ts";
import { BODY_DATA, BODY_DONE, type BodyDecoder } from "../../http/body/body.ts";
import type { Transport } from "../../network/transport.ts";
import type { ServerExchange } from "../../request/server-exchange.ts";
import { type Input, LARGE_PIECE, PIECE, READS_PER_TURN } from "../input.ts";
import { type Timeouts, Wait } from "../timeouts.ts";

/** Results of `take`; a negative one is the -status of a refusal. There is nothing more to read now. */
const BODY_PAUSED = 0;
/** The connection has read as much as it may in one turn. */
export const BODY_SHARE_USED = 1;
/** The body is complete. */
export const BODY_COMPLETE = 2;
/** The sink takes no more now. */
export const BODY_STALLED = 3;
/** Before the end of the body: the reply was given, the connection has ended, or a script is making the page of an error. */
export const BODY_REPLIED = 4;

/** Bytes after which a connection reads no more in this turn. */
const BYTES_PER_TURN = LARGE_PIECE;
/** Most pieces passed to the sink in one turn: each may be a system call, and a chunk may have one byte. */
const PIECES_PER_TURN = 512;

export interface BodyReaderOwner {
  /** A sink threw. */
  handlerFailed(exchange: ServerExchange, error: unknown): void;
}

export class BodyReader {
  /** The sink takes no more, so the connection does not wait for the client. */
  stalled = false;
  /** Why the body was refused. */
  reason = "";

  constructor(
    private readonly transport: Transport,
    private readonly input: Input,
    private readonly timeouts: Timeouts,
    private readonly owner: BodyReaderOwner,
  ) {}

  /** Passes the next pieces of the body to its sink. One of the BODY constants above, or -status: refused for `reason`. */
  take(exchange: ServerExchange): number {
    const { input } = this;
    // A script takes no more than a pipe holds; the rest of a large piece would have to be kept.
    const { sink } = exchange;
    const hungry = !this.stalled && (sink?.takesAll ?? sink?.answers !== true);
    const share = input.bytesReceived + BYTES_PER_TURN;
    this.stalled = false;
    for (let reads = 0; ; reads++) {
      const outcome = this.decode(exchange); // also after the last read, so that nothing has to be kept
      if (outcome !== BODY_PAUSED) return outcome;
      if (reads === READS_PER_TURN || input.bytesReceived >= share) return BODY_SHARE_USED;
      if (!input.fill(hungry ? largePiece(exchange.decoder, exchange.sink?.fileStart) : PIECE)) return this.pause();
    }
  }

  private pause(): number {
    if (this.transport.lost) return BODY_PAUSED;
    if (this.transport.ended) return this.refusal(400, "its sending side was closed within a body");
    return this.timeouts.isTooSlow(Wait.Body) ? this.refusal(408, "its body came too slowly") : BODY_PAUSED;
  }

  /** Uses what has been received, and counts it, unless it is discarded. */
  private decode(exchange: ServerExchange): number {
    const isTaken = exchange.sink !== undefined;
    const { start } = this.input;
    const outcome = this.decodePieces(exchange);
    if (isTaken) exchange.bodyBytesReceived += this.input.start - start;
    return outcome;
  }

  private decodePieces(exchange: ServerExchange): number {
    const { decoder } = exchange;
    const { input } = this;
    const { block } = input;
    for (let pieces = 0; pieces < PIECES_PER_TURN; pieces++) {
      const outcome = decoder.next(block.bytes, input.start, input.end);
      input.start = decoder.position;
      if (outcome === BODY_DONE) return BODY_COMPLETE;
      if (outcome < 0) return this.refusal(-outcome, decoder.reason);
      if (outcome !== BODY_DATA) return BODY_PAUSED;
      const offered = decoder.dataEnd - decoder.dataStart;
      const { settled } = exchange;
      const taken = this.offer(exchange, block, decoder.dataStart, decoder.dataEnd);
      decoder.take(taken);
      input.start = decoder.position;
      if (exchange.settled !== settled) return BODY_REPLIED;
      if (taken === offered) continue;
      this.stalled = true;
      return BODY_STALLED;
    }
    return BODY_SHARE_USED;
  }

  /** Passes block[start, end) to the sink; without a sink discards it. Bytes taken. */
  private offer(exchange: ServerExchange, block: Block, start: number, end: number): number {
    const { sink } = exchange;
    if (sink === undefined) return end - start;
    try {
      return sink.accept(block, start, end);
    } catch (error) {
      this.owner.handlerFailed(exchange, error);
      return 0;
    }
  }

  private refusal(status: number, reason: string): number {
    this.reason = reason;
    return -status;
  }
}

/**
 * Bytes to ask for where the sink takes all that it is offered: the rest of the body, up to the next multiple of LARGE_PIECE in
 * the file. The file is then written in few calls that start and end at page boundaries, which costs the kernel half of what
 * pieces of PIECE cost. At most PIECE bytes that belong to the next request are received with it.
 * @param fileStart offset in the body at which the file begins
 */
function largePiece({ remaining, received }: BodyDecoder, fileStart = 0): number {
  return Math.min(Math.max(PIECE, remaining), LARGE_PIECE - ((received - fileStart) % LARGE_PIECE));
}
