/** Collects the start of a connection until its ClientHello is complete, or it is clear that the client speaks no TLS. */
import { ERRNO } from "../../../ffi/errno.ts";
import type { Block } from "../../../ffi/memory.ts";
import type { Transport } from "../transport.ts";
import { INCOMPLETE, serverNameIn } from "./client-hello.ts";

/** The first byte of a TLS connection: a record of a handshake. That of SSL 2, which nginx takes too, is spoken by no library any more. */
const HANDSHAKE = 22;
const NOTHING = Buffer.alloc(0);

export class HelloReader {
  /** The name that the client asks for; "": none, or its ClientHello is malformed. */
  serverName = "";
  /** The client speaks plain HTTP. */
  isPlain = false;
  private bytes = NOTHING;
  private complete = false;

  /** @param shared a block for receiving, free between the calls */
  constructor(private readonly shared: Block) {}

  get isEmpty(): boolean {
    return this.bytes.length === 0;
  }

  /** Receives until the ClientHello is complete. 1: it is, or the client is plain. 0 at the end of the stream, or -errno. */
  fill(from: Transport): number {
    while (!this.complete) {
      if (!from.readable) return from.ended ? 0 : -ERRNO.EAGAIN;
      const n = from.receive(this.shared, 0, this.shared.bytes.length);
      if (n <= 0) return n;
      this.bytes = Buffer.concat([this.bytes, this.shared.bytes.subarray(0, n)]);
      this.look();
    }
    return 1;
  }

  private look(): void {
    this.isPlain = this.bytes[0] !== HANDSHAKE;
    const name = this.isPlain ? "" : serverNameIn(this.bytes);
    this.complete = name !== INCOMPLETE;
    if (this.complete) this.serverName = name ?? "";
  }

  /** Moves at most `length` of the collected bytes to `into` at `offset`. */
  take(into: Buffer, offset: number, length: number): number {
    const n = this.bytes.copy(into, offset, 0, length);
    this.bytes = n < this.bytes.length ? this.bytes.subarray(n) : NOTHING;
    return n;
  }
}
