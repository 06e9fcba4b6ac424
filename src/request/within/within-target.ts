/** What the targets of all requests within requests have in common: no connection, and mistakes that cost nobody else. */
import type { Field, ReplyBody, StreamBody, WholeReply } from "../../exchange/reply.ts";
import type { Tunnel } from "../../exchange/tunnel.ts";
import type { ServerExchange } from "../server-exchange.ts";

interface Reporter {
  reportBug(error: unknown, exchange: ServerExchange | null): void;
}

export abstract class WithinTarget {
  readonly bytesSent = 0;
  readonly bodyBytesSent = 0;

  protected constructor(
    private readonly reporter: Reporter,
    protected readonly exchange: ServerExchange,
  ) {}

  /** The reply is there, with this body. */
  protected abstract answered(body: ReplyBody): void;

  /** A mistake of the server. */
  abstract crash(error: unknown): void;

  persists(): boolean {
    return false;
  }

  reply(_status: number, _fields: Field[], body: ReplyBody): void {
    this.answered(body);
  }

  replyWhole(_reply: WholeReply, rest: ReplyBody): void {
    this.answered(rest);
  }

  replyRaw(body: StreamBody): void {
    this.answered(body);
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

  /** `log_subrequest`: its line in the access log. */
  protected logAccess(): void {
    const { exchange } = this;
    if (exchange.replied && exchange.settings.logSubrequest) this.unfailing(() => exchange.logAccess());
  }

  protected guarded(call: () => void): void {
    try {
      call();
    } catch (error) {
      this.crash(error);
    }
  }

  protected unfailing(call: () => void): void {
    try {
      call();
    } catch (error) {
      this.reporter.reportBug(error, null);
    }
  }
}
