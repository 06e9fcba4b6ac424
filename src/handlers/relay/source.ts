/** The contract between a relay and the source of its reply: a process, or a connection to another server (model: nginx's upstream handlers). */
import type { Block } from "../../../ffi/memory.ts";
import type { Field } from "../../exchange/reply.ts";

/** The source of one reply. No call blocks; later events are reported through SourceEvents. */
export interface ReplySource {
  /**
   * Starts: asks for a slot, starts a process, connects. Then either `onWritable` (it runs) or `onFailed` is called, perhaps
   * before this returns. Called once.
   */
  start(events: SourceEvents): void;
  /**
   * Writes block[offset, offset + length) of the request's body. Bytes taken; -EAGAIN: no room now, `onWritable` follows;
   * another -errno: it takes no more. It may still reply.
   */
  write(block: Block, offset: number, length: number): number;
  /** Writes `length` bytes of an open file from `position`, as `write` does. Not there while the bytes need framing. */
  readonly sendFile?: ((file: number, position: number, length: number) => number) | undefined;
  /** The request's body ends here, complete or not. May be called more than once. */
  endInput(): void;
  /**
   * Reads the reply into block[offset, offset + length). Bytes read; 0 at the end of the reply; -EAGAIN: nothing yet, `onReadable`
   * follows; another -errno: the reply was broken off. Further calls return the same.
   */
  read(block: Block, offset: number, length: number): number;
  /** The reply is no longer wanted: the source ends as soon as it can, or does not start. */
  terminate(): void;
  /** The relay writes and reads no more. Without `terminate` the source may still finish its work. */
  leave(): void;
  /** Logs its error output so far, so that this precedes the line about its failure. */
  logErrors?(): void;
}

/** What a source reports to its relay. After `leave` the relay calls it no more. */
export interface SourceEvents {
  /** The source runs, or has room for more of the body, or its input is closed. */
  onWritable(): void;
  /** There may be something to read, or the reply has ended. */
  onReadable(): void;
  /**
   * There will be no reply, or no more of it: the source could not start, or made no progress for too long.
   * @param status for the client if the reply has not begun: 502, 503 or 504
   * @param reason for the error log, where it follows the name of the source
   */
  onFailed(status: number, reason: string, fields?: readonly Field[]): void;
  /**
   * The source starts anew, with another peer: the next `onWritable` writes the request's body from its beginning. False: parts of it
   * are gone, so there is no other attempt.
   */
  rewind(): boolean;
  /** Whether the source waits for the client. Meanwhile its timeout does not run. */
  readonly waitsForClient: boolean;
  /** A callback threw. */
  onBug(error: unknown): void;
}
