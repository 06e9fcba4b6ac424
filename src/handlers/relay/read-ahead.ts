/**
 * Reads a reply ahead of a client that takes nothing at the moment, so that a slow client does not occupy its upstream: first into
 * memory, then, if the client stays slow, into a temporary file. A client that is only full for a moment costs no file.
 */
import { Alarm } from "../../network/timers.ts";
import type { HandlerServices } from "../services.ts";
import { FULL, type PieceReader, type ReplyBuffer } from "./reply-buffer.ts";

/** A client that takes nothing for so long, while the memory is full, is slow; ms. */
const PATIENCE = 20;
/** So is one for which the memory was full so long ago for the first time; ms. */
const LONGEST_PATIENCE = 1000;
/** Most reads in a row; then others get their turn. */
const READS_PER_TURN = 16;

export class ReadAhead {
  /** The client takes nothing now. */
  waiting = false;
  /** The reply goes to the file. */
  private slow = false;
  /** The time when the memory was full for the first time; -1: never. */
  private fullSince = -1;
  private readonly alarm: Alarm;

  /** @param onMore called when `read` is to be called again, in another turn */
  constructor(
    private readonly services: HandlerServices,
    private readonly buffer: ReplyBuffer,
    private readonly reader: PieceReader,
    private readonly onMore: () => void,
  ) {
    this.alarm = new Alarm(() => this.onSlow());
  }

  /** Reads as much as may be read in this turn. True: there may be more, so it is to be called again in the next one. */
  read(): boolean {
    this.waiting = true;
    for (let reads = 0; reads < READS_PER_TURN; reads++) {
      const n = this.buffer.fill(this.reader, this.slow);
      if (n === FULL ? !this.full() : n <= 0) return false;
    }
    return true;
  }

  /** The client takes something again. */
  stop(): void {
    this.waiting = false;
    this.services.reactor.timers.stop(this.alarm);
  }

  /** The memory is full. Whether the reply goes to the file from now on. */
  private full(): boolean {
    if (!this.buffer.hasFile || this.slow) return false;
    const { timers, now } = this.services.reactor;
    if (this.fullSince < 0) this.fullSince = now;
    this.slow = now - this.fullSince >= LONGEST_PATIENCE;
    if (!this.slow && this.alarm.timerList === null) timers.start(this.alarm, PATIENCE, now);
    return this.slow;
  }

  private onSlow(): void {
    this.slow = true;
    this.onMore();
  }
}
