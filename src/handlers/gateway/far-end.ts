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
import type { Attempt } from "../upstream/upstream.ts";

/** The connection to the server. */
interface Line {
  readonly transport: Transport;
  readonly attempt: Pick<Attempt, "record" | "tunnelEnded">;
  /** ms without a byte in either direction after which the tunnel ends (proxy_read_timeout). */
  readonly idleTimeout: number;
  /** For the error log. */
  readonly url: string;
  /** What came behind the head of the 101. */
  readonly rest: Buffer | null;
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
  readonly url: string;
  private readonly transport: Transport;
  private readonly attempt: Line["attempt"];
  private readonly idleTimeout: number;
  private rest: Buffer | null;
  /** It was idle for too long. */
  private expired = false;

  /** @param line copied: an idle tunnel is to be small */
  constructor(
    private readonly exchange: Exchange,
    private readonly reactor: Reactor,
    line: Line,
  ) {
    super();
    this.url = line.url;
    this.transport = line.transport;
    this.attempt = line.attempt;
    this.idleTimeout = line.idleTimeout;
    this.rest = line.rest;
    this.transport.owner = this;
    this.moved();
  }

  read(block: Block, offset: number, length: number): number {
    const { transport } = this;
    if (this.rest !== null) return this.readRest(block, offset, length);
    if (this.expired) return -ERRNO.ETIMEDOUT;
    if (transport.ended) return 0;
    if (!transport.readable) return transport.lost ? -ERRNO.ECONNRESET : -ERRNO.EAGAIN;
    const n = transport.receive(block, offset, length);
    if (n > 0) this.attempt.record.bytesReceived += n;
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
    const { transport } = this;
    let at = start;
    while (at < end && transport.writable && !transport.lost) {
      const n = transport.send(block, at, end - at);
      if (n > 0) at += n;
      else if (n !== -ERRNO.EAGAIN) this.failed(`send() failed (${errnoText(n)})`);
    }
    this.attempt.record.bytesSent += at - start;
    if (at > start) this.moved();
    return transport.lost ? end - start : at - start; // what is lost needs no room
  }

  get broken(): boolean {
    return this.expired || this.transport.lost;
  }

  end(): void {
    if (!this.transport.lost) this.transport.shut();
  }

  close(): void {
    this.reactor.timers.stop(this);
    const { record } = this.attempt;
    record.responseTime = this.reactor.now - record.startedAt;
    this.transport.close();
    this.attempt.tunnelEnded(); // until now the peer had one connection more
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
    this.reactor.timers.start(this, this.idleTimeout, this.reactor.now);
  }

  private failed(reason: string): void {
    this.exchange.log("error", `${reason} ${PHASE}`);
  }
}
