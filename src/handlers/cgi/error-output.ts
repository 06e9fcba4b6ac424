/**
 * A script's standard error on its way to the error log. Each of its lines is logged, but so many at a time: a script that floods
 * it is not read for a while, so that it waits and no one else does.
 */
import { ERRNO } from "../../../ffi/errno.ts";
import type { Block } from "../../../ffi/memory.ts";
import type { BufferPool } from "../../network/buffers.ts";
import type { ChildProcess } from "../../network/process.ts";
import type { Reactor } from "../../network/reactor.ts";
import { Alarm } from "../../network/timers.ts";
import { ErrorLines } from "./stderr.ts";

/** So many lines, or characters in them, within so many ms are a flood: then it is not read for so long. */
const MOST_LINES = 500;
const MOST_CHARACTERS = 32 * 1024;
const PAUSE = 100;
/** Lines of what a script has left when it ended: a pipe has room for much, and its writer waits no more. */
const MOST_LAST_LINES = 5000;

/** Bytes read at once. */
const PIECE = 64 * 1024;

export class ErrorOutput {
  private readonly lines: ErrorLines;
  private process: ChildProcess | null = null;
  private readonly pause = new Alarm(() => this.take());
  /** What was read and not logged. */
  private unread: Buffer | null = null;
  /** What had been logged at a time from which it is counted. */
  private countedLines = 0;
  private countedCharacters = 0;
  private countedSince = 0;

  constructor(
    private readonly reactor: Reactor,
    private readonly pool: BufferPool,
    private readonly log: (line: string) => void,
  ) {
    this.lines = new ErrorLines(log);
  }

  /** There may be something to read. */
  onReady(process: ChildProcess): void {
    this.process = process;
    if (this.pause.timerList === null) this.take();
  }

  /** The script has ended: logs the rest, and closes. */
  onEnded(process: ChildProcess): void {
    this.process = process;
    this.pause.timerList?.stop(this.pause);
    const most = this.lines.logged + MOST_LAST_LINES;
    this.eachPiece((piece) => this.feed(piece, most - this.lines.logged));
    if (this.unread !== null) this.log("wrote more than that, which is left out here");
    this.lines.end();
    process.closeErrors();
  }

  private take(): void {
    const { timers, now } = this.reactor;
    this.eachPiece((piece) => {
      if (now - this.countedSince >= PAUSE) {
        this.countedLines = this.lines.logged;
        this.countedCharacters = this.lines.characters;
        this.countedSince = now;
      }
      if (this.feed(piece, MOST_LINES) && !this.isFlood) return true;
      timers.start(this.pause, PAUSE, now);
      return false;
    });
  }

  /** Calls `use` with what there is to log, until it says no. */
  private eachPiece(use: (piece: Buffer) => boolean): void {
    const block = this.pool.take(PIECE);
    try {
      for (let piece = this.piece(block); piece !== null && use(piece); piece = this.piece(block));
    } finally {
      this.pool.release(block);
    }
  }

  private get isFlood(): boolean {
    const { logged, characters } = this.lines;
    return logged - this.countedLines >= MOST_LINES || characters - this.countedCharacters >= MOST_CHARACTERS;
  }

  /** What is to be logged next; null: nothing now, or nothing ever. */
  private piece(block: Block): Buffer | null {
    if (this.unread !== null) return this.unread;
    const n = this.process!.readErrors(block, 0, block.bytes.length);
    if (n > 0) return block.bytes.subarray(0, n);
    if (n !== -ERRNO.EAGAIN) this.process!.closeErrors();
    return null;
  }

  /** Whether all of it was logged: else the rest is kept. */
  private feed(piece: Buffer, most: number): boolean {
    const used = this.lines.feed(piece, 0, piece.length, most);
    this.unread = used < piece.length ? Buffer.from(piece.subarray(used)) : null;
    return this.unread === null;
  }
}
