/** The target of a request that is included in the reply to another (`add_before_body`, SSI): its reply's body goes to whoever includes it. */
import type { ConnectionInfo } from "../../exchange/exchange.ts";
import { discard, type Field, type ReplyBody, type StreamBody, type WholeReply } from "../../exchange/reply.ts";
import type { Tunnel } from "../../exchange/tunnel.ts";
import type { IncludedRequest, Includer } from "../../handlers/subrequest/subrequest.ts";
import type { Reactor, Unfinished } from "../../network/reactor.ts";
import type { ReplyTarget } from "../reply-target.ts";
import type { ServerExchange } from "../server-exchange.ts";

export interface IncludedOwner {
  readonly reactor: Reactor;
  reportBug(error: unknown, exchange: ServerExchange | null): void;
  /** It is over: the exchange is free. */
  requestEnded(request: IncludedSubrequest, exchange: ServerExchange): void;
}

export class IncludedSubrequest implements ReplyTarget, IncludedRequest, Unfinished {
  readonly bytesSent = 0;
  readonly bodyBytesSent = 0;
  readonly info: ConnectionInfo;
  private queued = false;
  private over = false;

  constructor(
    private readonly owner: IncludedOwner,
    private readonly exchange: ServerExchange,
    private readonly parent: ServerExchange,
    private readonly includer: Includer,
  ) {
    this.info = parent.connection;
  }

  /** Runs it as far as possible now. */
  begin(): void {
    this.guarded(() => this.exchange.progress.advance());
  }

  // ReplyTarget

  reply(_status: number, _fields: Field[], body: ReplyBody): void {
    this.answered(body);
  }

  persists(): boolean {
    return false;
  }

  replyWhole(_reply: WholeReply, rest: ReplyBody): void {
    this.answered(rest);
  }

  /** It contains a head of its own, which is no part of a page. */
  replyRaw(body: StreamBody): void {
    body.close();
    this.answered(null);
  }

  tunnel(_fields: Field[], far: Tunnel): void {
    far.close();
    this.answered(null);
  }

  wholeReply(): WholeReply {
    throw new Error("a request within another takes no whole reply");
  }

  drop(): void {
    this.answered(null);
  }

  goOn(): void {
    if (this.over) return;
    if (this.exchange.replied) this.includer.onMore();
    else if (!this.queued) {
      this.queued = true;
      this.owner.reactor.again(this);
    }
  }

  /** A mistake of the server: the page cannot be completed. */
  crash(error: unknown): void {
    if (this.over) return;
    const { exchange, parent } = this;
    this.owner.reportBug(error, exchange);
    this.unfailing(() => exchange.callOff());
    if (exchange.replied) parent.crash(error);
    else exchange.failPlainly(500, []);
  }

  private answered(body: ReplyBody): void {
    if (this.over) return discard(body);
    try {
      this.includer.onReply(this.exchange, body);
    } catch (error) {
      this.parent.crash(error);
    }
  }

  // The loop

  onTurn(): void {
    this.queued = false;
    const { progress } = this.exchange;
    if (!this.over && !this.exchange.replied && progress.ready) this.begin();
  }

  // IncludedRequest

  finish(): void {
    if (this.over) return;
    this.over = true;
    const { exchange } = this;
    if (exchange.replied && exchange.settings.logSubrequest) this.unfailing(() => exchange.logAccess());
    this.owner.requestEnded(this, exchange);
  }

  abort(): void {
    if (this.over) return;
    this.unfailing(() => this.exchange.callOff());
    this.finish();
  }

  private guarded(call: () => void): void {
    try {
      call();
    } catch (error) {
      this.crash(error);
    }
  }

  private unfailing(call: () => void): void {
    try {
      call();
    } catch (error) {
      this.owner.reportBug(error, null);
    }
  }
}
