/** The body of a request on its way from the input to its sink, as fast as both allow. */
import type { Block } from "../../ffi/memory.ts";
import { BODY_DATA, BODY_DONE, type BodyDecoder } from "../http/body/body.ts";
import type { Transport } from "../network/transport.ts";
import type { ServerExchange } from "../request/server-exchange.ts";
import { type Input, LARGE_PIECE, PIECE, READS_PER_TURN } from "./input.ts";
import { type Timeouts, Wait } from "./timeouts.ts";

/** How taking a body stopped; a negative number is the -status of its refusal. There is nothing more to read now: */
const BODY_PAUSED = 0;
/** The connection's share of the turn is used. */
export const BODY_SHARE_USED = 1;
/** The body is complete. */
export const BODY_COMPLETE = 2;
/** Its sink takes no more now. */
export const BODY_STALLED = 3;
/** Before the body's end the reply is given or the connection ended, or an error is told by a page that is still to come. */
export const BODY_REPLIED = 4;

/** No more is read in one turn once so many bytes have come. */
const BYTES_PER_TURN = LARGE_PIECE;
/** And what of it is given to the sink in one turn: each piece may be a system call, and chunks may be of one byte. */
const PIECES_PER_TURN = 512;

export interface BodyReaderOwner {
  /** A sink threw. */
  handlerFailed(exchange: ServerExchange, error: unknown): void;
}

export class BodyReader {
  /** The sink takes no more: it is not the client who is waited for. */
  stalled = false;
  /** Why the body was refused. */
  reason = "";

  constructor(
    private readonly transport: Transport,
    private readonly input: Input,
    private readonly timeouts: Timeouts,
    private readonly owner: BodyReaderOwner,
  ) {}

  /** Gives the body's next pieces to its sink. One of the BODY constants above, or -status: refused for `reason`. */
  take(exchange: ServerExchange): number {
    const { input } = this;
    // A script takes less than a pipe holds: the rest would have to be kept.
    const hungry = !this.stalled && exchange.sink?.answers !== true;
    const share = input.bytesReceived + BYTES_PER_TURN;
    this.stalled = false;
    for (let reads = 0; ; reads++) {
      const outcome = this.decode(exchange); // also of what was read last: else it would have to be kept
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

  /** Uses what has been received. */
  private decode(exchange: ServerExchange): number {
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

  /** Gives block[start, end) to the sink, or to no one. How many bytes it took. */
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
 * How much to ask for where the sink takes all that it is offered: what the framing says will come, up to where the next
 * large piece of the file begins. It is then written in few calls that start and end with its pages, which costs
 * the kernel half of what PIECE costs it; and what is not of this body is never more than PIECE.
 */
function largePiece({ remaining, received }: BodyDecoder, fileStart = 0): number {
  return Math.min(Math.max(PIECE, remaining), LARGE_PIECE - ((received - fileStart) % LARGE_PIECE));
}
