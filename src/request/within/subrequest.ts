/**
 * Requests within requests (`auth_request`, `mirror`): the target of an exchange that has no connection. It has the head of the client's
 * request, goes through the locations of the same server, and its reply is not sent: who asked learns status and fields.
 */
import { ERRNO } from "../../../ffi/errno.ts";
import type { Block } from "../../../ffi/memory.ts";
import type { ConnectionInfo, Exchange } from "../../exchange/exchange.ts";
import { discard, type ReplyBody, type StreamBody } from "../../exchange/reply.ts";
import type { SubrequestBody, SubrequestOptions } from "../../handlers/subrequest/subrequest.ts";
import type { BufferPool } from "../../network/buffers.ts";
import type { Reactor, Unfinished } from "../../network/reactor.ts";
import type { ReplyTarget } from "../reply-target.ts";
import type { ServerExchange } from "../server-exchange.ts";
import { WithinTarget } from "./within-target.ts";

/** Bytes of a reply's stream that are read, so that a connection to another server can be kept; a longer one is broken off. */
const MOST_DRAINED = 64 * 1024;
const PIECE = 16 * 1024;
/** Pieces of a body that are passed on in one turn. */
const PIECES_PER_TURN = 16;

export interface SubrequestOwner {
  readonly reactor: Reactor;
  readonly pool: BufferPool;
  reportBug(error: unknown, exchange: ServerExchange | null): void;
  /** It is over: the exchange is free. */
  requestEnded(subrequest: Subrequest, exchange: ServerExchange): void;
}

export class Subrequest extends WithinTarget implements ReplyTarget, Unfinished {
  readonly info: ConnectionInfo;
  private body: SubrequestBody | null;
  /** Bytes of the body that were passed on. */
  private position = 0;
  /** The body of the reply, to be read to its end. */
  private stream: StreamBody | null = null;
  private drained = 0;
  private queued = false;
  private over = false;

  /** @param replied called when the reply is there; null: nobody wants to know */
  constructor(
    private readonly owner: SubrequestOwner,
    exchange: ServerExchange,
    parent: Exchange,
    { body }: SubrequestOptions,
    private readonly replied: ((reply: Exchange) => void) | null,
  ) {
    super(owner, exchange);
    this.info = replied === null ? copyOf(parent.connection) : parent.connection;
    this.body = body;
  }

  /** Runs it as far as possible now. */
  begin(): void {
    this.guarded(() => {
      this.exchange.progress.advance();
      if (this.body !== null) this.goOn();
    });
  }

  goOn(): void {
    if (this.queued || this.over) return;
    this.queued = true;
    this.owner.reactor.again(this);
  }

  crash(error: unknown): void {
    if (this.over) return;
    this.owner.reportBug(error, this.exchange);
    this.dismiss();
    if (this.exchange.replied) this.end();
    else this.exchange.failPlainly(500, []);
  }

  /** Whoever asked is told at once; the rest of the reply is read in later turns. */
  protected answered(body: ReplyBody): void {
    if (body !== null && !Buffer.isBuffer(body) && body.kind === "stream") this.stream = body;
    else discard(body);
    this.goOn();
    this.replied?.(this.exchange);
  }

  // The loop

  onTurn(): void {
    this.queued = false;
    if (!this.over) this.guarded(() => this.step());
  }

  private step(): void {
    const { exchange } = this;
    const { progress } = exchange;
    if (!exchange.replied && progress.ready) progress.advance();
    if (!exchange.replied && exchange.settled)
      exchange.abortSink(); // a script makes an error's page
    else if (!exchange.replied && this.body !== null && !progress.choosing) this.passBody(this.body);
    if (exchange.replied && this.drain()) this.end();
  }

  /** Passes the body to its sink as far as that takes it; after its end the handler replies. */
  private passBody(body: SubrequestBody): void {
    const { exchange } = this;
    for (let pieces = 0; exchange.sink !== undefined && this.position < body.length; pieces++) {
      if (pieces === PIECES_PER_TURN) return this.goOn();
      const taken = body.pass(exchange.sink, this.position);
      if (exchange.settled || taken === 0) return;
      if (taken < 0) return exchange.fail(500);
      this.position += taken;
    }
    const { sink } = exchange;
    exchange.sink = undefined;
    this.releaseBody();
    sink?.end();
    if (sink?.answers !== true && !exchange.settled) exchange.progress.advance();
  }

  /** Reads the rest of the reply. True: nothing is to come any more. */
  private drain(): boolean {
    const { stream, owner } = this;
    if (stream === null) return true;
    const block = owner.pool.take(PIECE);
    const isOver = this.read(stream, block);
    owner.pool.release(block);
    if (!isOver) return false;
    this.stream = null;
    stream.close();
    return true;
  }

  private read(stream: StreamBody, block: Block): boolean {
    for (;;) {
      const n = stream.read(block, 0, PIECE);
      if (n <= 0) return n !== -ERRNO.EAGAIN;
      this.drained += n;
      if (this.drained > MOST_DRAINED) return true;
    }
  }

  // The end

  /** Who asked does not wait any more. */
  abort(): void {
    if (this.over) return;
    this.dismiss();
    this.end();
  }

  private dismiss(): void {
    const { exchange } = this;
    this.unfailing(() => exchange.abortSink());
    this.unfailing(() => exchange.callOff());
  }

  private end(): void {
    if (this.over) return;
    this.over = true;
    this.unfailing(() => this.exchange.abortSink());
    this.unfailing(() => this.stream?.close());
    this.releaseBody();
    this.logAccess();
    this.owner.requestEnded(this, this.exchange);
  }

  private releaseBody(): void {
    this.body?.release();
    this.body = null;
  }
}

/** What is known of a connection, for a subrequest that may outlive it. The facts of TLS are empty once the connection is closed. */
function copyOf(info: ConnectionInfo): ConnectionInfo {
  const { number, requests, remoteAddress, remotePort, remoteBytes, serverAddress, serverPort, scheme } = info;
  const direct = info.direct === undefined ? {} : { direct: copyOf(info.direct) };
  const addresses = { remoteAddress, remotePort, remoteBytes, serverAddress, serverPort };
  const { openedAt } = info;
  return {
    number,
    requests,
    openedAt,
    tcpInfo: () => null,
    ...addresses,
    scheme,
    proxied: info.proxied ?? null,
    tls: info.tls,
    ...direct,
  };
}
