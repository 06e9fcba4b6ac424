/** The target of a request that is included in the reply to another (`add_before_body`, SSI): its reply's body goes to whoever includes it. */
import type { ConnectionInfo } from "../../exchange/exchange.ts";
import { discard, type ReplyBody, type StreamBody } from "../../exchange/reply.ts";
import type { IncludedRequest, Includer } from "../../handlers/subrequest/subrequest.ts";
import type { Reactor, Unfinished } from "../../network/reactor.ts";
import type { ReplyTarget } from "../reply-target.ts";
import type { ServerExchange } from "../server-exchange.ts";
import { WithinTarget } from "./within-target.ts";

export interface IncludedOwner {
  readonly reactor: Reactor;
  reportBug(error: unknown, exchange: ServerExchange | null): void;
  /** It is over: the exchange is free. */
  requestEnded(request: IncludedSubrequest, exchange: ServerExchange): void;
}

export class IncludedSubrequest extends WithinTarget implements ReplyTarget, IncludedRequest, Unfinished {
  readonly info: ConnectionInfo;
  private queued = false;
  private over = false;

  constructor(
    private readonly owner: IncludedOwner,
    exchange: ServerExchange,
    private readonly parent: ServerExchange,
    private readonly includer: Includer,
  ) {
    super(owner, exchange);
    this.info = parent.connection;
  }

  /** Runs it as far as possible now. */
  begin(): void {
    this.guarded(() => this.exchange.progress.advance());
  }

  /** It contains a head of its own, which is no part of a page. */
  override replyRaw(body: StreamBody): void {
    body.close();
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

  protected answered(body: ReplyBody): void {
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
    this.logAccess();
    this.owner.requestEnded(this, this.exchange);
  }

  abort(): void {
    if (this.over) return;
    this.unfailing(() => this.exchange.callOff());
    this.finish();
  }
}
