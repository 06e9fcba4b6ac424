/** The memory and the limits that all TLS connections of a server share. */
import type { Kernel } from "../../../ffi/kernel.ts";
import { Block } from "../../../ffi/memory.ts";
import type { Handshakes } from "./handshakes.ts";

/** Most plaintext that is encrypted before it is sent: so much can be owed. */
export const PIECE = 64 * 1024;
/** Room for the ciphertext of a piece, for a record beside it, and for any flight of a handshake. */
export const ROOM = 2 * PIECE;

export class TlsShared {
  readonly received = new Block(PIECE);
  readonly sending = new Block(ROOM);
  readonly fromFile = new Block(PIECE);

  constructor(
    readonly kernel: Kernel,
    readonly handshakes: Handshakes,
  ) {}
}
