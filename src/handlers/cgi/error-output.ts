/**
 * Writes a script's standard error to the error log, line by line. A script that writes too much is not read for a while, so that
 * it has to wait and nothing else does.
 */
import { ERRNO } from "../../../ffi/errno.ts";
import type { Block } from "../../../ffi/memory.ts";
import type { BufferPool } from "../../network/buffers.ts";
import type { ChildProcess } from "../../network/process.ts";
import type { Reactor } from "../../network/reactor.ts";
import { Alarm } from "../../network/timers.ts";
import { ErrorLines } from "./stderr.ts";

/** More lines or characters than this within PAUSE ms are too many: then the script is not read for PAUSE ms. */
const MOST_LINES = 500;
const MOST_CHARACTERS = 32 * 1024;
const PAUSE = 100;
/** Most lines that are logged of what a script has left in the pipe when it ended. */
const MOST_LAST_LINES = 5000;

/** Bytes that one read asks for. */
const PIECE = 64 * 1024;

export class ErrorOutput {
  private readonly lines: ErrorLines;
  private process: ChildProcess | null = null;
  private readonly pause = new Alarm(() => this.take());
  /** Bytes that were read and are not logged yet. */
  private unread: Buffer | null = null;
  /** The counts of lines and characters at the time `countedSince`. */
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

  /** Calls `use` with each piece that there is to log, until it returns false. */
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

  /** The next piece to be logged; null: there is nothing now, or the output has ended. */
  private piece(block: Block): Buffer | null {
    if (this.unread !== null) return this.unread;
    const n = this.process!.readErrors(block, 0, block.bytes.length);
    if (n > 0) return block.bytes.subarray(0, n);
    if (n !== -ERRNO.EAGAIN) this.process!.closeErrors();
    return null;
  }

  /** Logs a piece, at most `most` lines, and keeps the rest. Whether all of it was logged. */
  private feed(piece: Buffer, most: number): boolean {
    const used = this.lines.feed(piece, 0, piece.length, most);
    this.unread = used < piece.length ? Buffer.from(piece.subarray(used)) : null;
    return this.unread === null;
  }
}
