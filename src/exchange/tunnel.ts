/** The far end of a tunnel: what a client's connection becomes after 101 (Switching Protocols). */
import type { Block } from "../../ffi/memory.ts";

/** No call blocks. Where one could not go on, `exchange.resume()` follows. */
export interface Tunnel {
  /** Moves at most `length` bytes for the client into `block` at `offset`. 0: the far side has ended; -EAGAIN; another -errno: the tunnel is broken. */
  read(block: Block, offset: number, length: number): number;
  /** Takes bytes of the client, block[start, end). Their count; fewer than given: there is no room now. */
  accept(block: Block, start: number, end: number): number;
  /** Nothing moves any more: the far side is lost, or was idle for too long. Asked when `read` has given the end, and is not called again. */
  readonly broken: boolean;
  /** The client has ended its side, and all its bytes were taken. The other direction goes on. */
  end(): void;
  /** The tunnel is over; called once. */
  close(): void;
}
