/**
 * The far end of a tunnel (WebSockets): the connection to a server after its 101. Bytes go through the blocks of the client's side;
 * none is held here, so an idle tunnel costs little. Model: ngx_http_upstream_process_upgraded, but one direction may end first.
 */
import { ERRNO, errnoText } from "../../../ffi/errno.ts";
import type { Block } from "../../../ffi/memory.ts";
import type { Exchange } from "../../exchange/exchange.ts";
import type { StreamBody } from "../../exchange/reply.ts";
import type { Tunnel } from "../../exchange/tunnel.ts";
import type { BufferPool } from "../../network/buffers.ts";
import type { Reactor } from "../../network/reactor.ts";
import { Timed } from "../../network/timers.ts";
import type { Transport, TransportOwner } from "../../network/transport.ts";

/** The connection to the server, and what is known of it when the tunnel is over. */
export interface Line {
  readonly transport: Transport;
  /** ms without a byte in either direction after which the tunnel ends (proxy_read_timeout). */
  readonly idleTimeout: number;
  /** The tunnel is over: called once, with the bytes that went each way; closes the transport. */
  ended(sent: number, received: number): void;
}

const PHASE = "while proxying upgraded connection";

/** As much as a relay reads with the head of a reply, or more. */
const REST = 64 * 1024;

/** What came behind the head of the 101: the beginning of its body. null: nothing. */
export function restOf(body: StreamBody, buffers: BufferPool): Buffer | null {
  const block = buffers.take(REST);
  const n = body.read(block, 0, REST);
  const rest = n > 0 ? Buffer.from(block.bytes.subarray(0, n)) : null;
  buffers.release(block);
  return rest;
}

export class FarEnd extends Timed implements Tunnel, TransportOwner {
  private sent = 0;
  private received = 0;
  /** It was idle for too long. */
  private expired = false;

  /** @param rest what came behind the head of the 101 */
  constructor(
    private readonly exchange: Exchange,
    private readonly reactor: Reactor,
    private readonly line: Line,
    private rest: Buffer | null,
  ) {
    super();
    line.transport.owner = this;
    this.moved();
  }

  read(block: Block, offset: number, length: number): number {
    const { transport } = this.line;
    if (this.rest !== null) return this.readRest(block, offset, length);
    if (this.expired) return -ERRNO.ETIMEDOUT;
    if (transport.ended) return 0;
    if (!transport.readable) return transport.lost ? -ERRNO.ECONNRESET : -ERRNO.EAGAIN;
    const n = transport.receive(block, offset, length);
    if (n > 0) this.received += n;
    if (n > 0) this.moved();
    else if (n < 0 && n !== -ERRNO.EAGAIN) this.failed(`recv() failed (${errnoText(n)})`);
    return n;
  }

  private readRest(block: Block, offset: number, length: number): number {
    const { rest } = this;
    const n = rest!.copy(block.bytes, offset, 0, length);
    this.rest = n < rest!.length ? rest!.subarray(n) : null;
    return n;
  }

  accept(block: Block, start: number, end: number): number {
    const { transport } = this.line;
    let at = start;
    while (at < end && transport.writable && !transport.lost) {
      const n = transport.send(block, at, end - at);
      if (n > 0) at += n;
      else if (n !== -ERRNO.EAGAIN) this.failed(`send() failed (${errnoText(n)})`);
    }
    this.sent += at - start;
    if (at > start) this.moved();
    return transport.lost ? end - start : at - start; // what is lost needs no room
  }

  end(): void {
    if (!this.line.transport.lost) this.line.transport.shut();
  }

  close(): void {
    this.reactor.timers.stop(this);
    this.line.ended(this.sent, this.received);
  }

  // TransportOwner, Timed

  onReady(): void {
    this.exchange.resume();
  }

  onTimeout(): void {
    this.failed(`upstream timed out (${errnoText(-ERRNO.ETIMEDOUT)})`);
    this.expired = true;
    this.exchange.resume();
  }

  private moved(): void {
    this.reactor.timers.start(this, this.line.idleTimeout, this.reactor.now);
  }

  private failed(reason: string): void {
    this.exchange.log("error", `${reason} ${PHASE}`);
  }
}
