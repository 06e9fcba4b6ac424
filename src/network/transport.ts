/** What a connection's bytes go through: a socket, or what a library makes of one. Tests have transports of their own. */
import type { Block } from "../../ffi/memory.ts";

/** Who uses a transport. */
export interface TransportOwner {
  /** Something can be received or sent again, or the peer is gone. */
  onReady(): void;
}

/**
 * Five calls, and what is known of the connection. Counts are bytes; errors are -errno, and any but -EAGAIN loses the connection.
 */
export interface Transport {
  /** Told when something has changed; set by who uses the transport. */
  owner: TransportOwner;
  readonly fd: number;
  /** A call may move bytes. One that would block clears the flag, and `owner.onReady` follows once it is set again. */
  readonly readable: boolean;
  readonly writable: boolean;
  /** `receive` has given 0: the peer sends nothing more. */
  readonly ended: boolean;
  /** Both directions are gone, not only the peer's sending side. */
  readonly broken: boolean;
  /** A call has failed, and with it the connection: nothing can be received or sent any more. */
  readonly lost: boolean;

  /** Asks to be told of what happens from now on, once. 0, or -errno. */
  watch(): number;
  /** Receives at most `length` bytes into `block` at `offset`: their count, 0 at the end of what the peer sends, or -errno. */
  receive(block: Block, offset: number, length: number): number;
  /** Sends block[offset, offset + length): the count taken, perhaps fewer, or -errno. */
  send(block: Block, offset: number, length: number): number;
  /** Sends `length` bytes of an open file from `position`: the count taken, 0 where the file ends before, or -errno (also of the file). */
  sendFile(file: number, position: number, length: number): number;
  /** Ends the sending side: the peer reads to the end of what was sent. */
  shut(): void;
  /** Gives it back, once. */
  close(): void;
}
