/**
 * The contract between a relay and what it gets its replies from: a process now; a connection to a FastCGI, uwsgi or HTTP
 * server implements the same (model: the upstream handlers of nginx).
 */
import type { Block } from "../../../ffi/memory.ts";
import type { Field } from "../../exchange/reply.ts";

/** One request's source of a reply. All calls return at once; what comes later is told through SourceEvents. */
export interface ReplySource {
  /**
   * Begins: asks for a place, starts a process, connects. Then either `onWritable` (it runs) or `onFailed` is called, perhaps
   * before this returns. Called once.
   */
  start(events: SourceEvents): void;
  /**
   * Gives it block[offset, offset + length) of the request's body. Bytes taken; -EAGAIN: no room now, `onWritable` follows;
   * other -errno: it takes no more. That is no failure: a reply may still come.
   */
  write(block: Block, offset: number, length: number): number;
  /** The request's body ends here, complete or not. May be called more than once. */
  endInput(): void;
  /**
   * Reads its reply into block[offset, offset + length). Bytes; 0 at the reply's end; -EAGAIN: nothing yet, `onReadable`
   * follows; other -errno: the reply has broken off, which is told again with each further call.
   */
  read(block: Block, offset: number, length: number): number;
  /** Nobody wants the reply any more: it ends as soon as it can, or never starts. */
  terminate(): void;
  /** Nobody writes to it or reads from it any more. Without `terminate` it may still finish what it does. */
  leave(): void;
  /** Logs what it has said about its troubles so far, so that this comes before the line about its failure. */
  logErrors?(): void;
}

/** What a source tells the relay that has started it. The relay calls nothing of a source after `leave`. */
export interface SourceEvents {
  /** It runs, or has room for more of the body, or its input is closed. */
  onWritable(): void;
  /** There may be something to read, or the reply has ended. */
  onReadable(): void;
  /**
   * There will be no reply, or no more of it: it could not start, or has made no progress for too long.
   * @param status what the client gets if the reply has not begun: 502, 503 or 504
   * @param reason for the error log; follows the source's name
   */
  onFailed(status: number, reason: string, fields?: readonly Field[]): void;
  /** Whether the client is what keeps the source waiting: then no time-out of the source's runs. */
  readonly waitsForClient: boolean;
  /** A callback threw. */
  onBug(error: unknown): void;
}
