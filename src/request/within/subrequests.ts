/** Starts the subrequests of a server, and ends those that are left when it stops. */
import type { Exchange } from "../../exchange/exchange.ts";
import { LimitState } from "../../exchange/facts/limits.ts";
import type { SharedServices } from "../../handlers/services.ts";
import type {
  IncludedRequest,
  Includer,
  SubrequestOptions,
  SubrequestStarter,
} from "../../handlers/subrequest/subrequest.ts";
import type { RequestLog } from "../request-log.ts";
import { ServerExchange } from "../server-exchange.ts";
import { type IncludedOwner, IncludedSubrequest } from "./included-subrequest.ts";
import { Subrequest, type SubrequestOwner } from "./subrequest.ts";

/** Most Exchange objects kept for reuse. */
const MOST_KEPT = 64;

export class Subrequests implements SubrequestStarter, SubrequestOwner, IncludedOwner {
  private readonly running = new Set<Subrequest | IncludedSubrequest>();
  /** Apart from those of connections: the parser's head of a subrequest is changed after it was parsed. */
  private readonly kept: ServerExchange[] = [];

  constructor(
    private readonly services: SharedServices,
    private readonly logs: RequestLog,
    readonly reportBug: SubrequestOwner["reportBug"],
  ) {}

  get reactor(): SharedServices["reactor"] {
    return this.services.reactor;
  }

  get pool(): SharedServices["buffers"] {
    return this.services.buffers;
  }

  /** Number of those that run: copies for `mirror` may outlive the connection that they are of. */
  get count(): number {
    return this.running.size;
  }

  start(of: Exchange, options: SubrequestOptions, replied: ((reply: Exchange) => void) | null): () => void {
    const parent = of as ServerExchange;
    const exchange = this.kept.pop() ?? new ServerExchange(this.services, this.logs);
    const guarded = replied === null ? null : (reply: Exchange) => guard(parent, () => replied(reply));
    const subrequest = new Subrequest(this, exchange, parent, options, guarded);
    // As in nginx they share the variables: a value computed in either is that of both. One that nobody waits for comes too late for that.
    exchange.assigned = replied === null ? new Map(parent.assigned) : (parent.assigned ??= new Map());
    this.begin(subrequest, exchange, parent, options);
    return () => subrequest.abort();
  }

  include(of: Exchange, path: string, query: string, includer: Includer): IncludedRequest {
    const parent = of as ServerExchange;
    const exchange = this.kept.pop() ?? new ServerExchange(this.services, this.logs);
    const request = new IncludedSubrequest(this, exchange, parent, includer);
    exchange.assigned = parent.assigned ??= new Map();
    this.begin(request, exchange, parent, { uri: path, query, method: "GET", body: null });
    return request;
  }

  private begin(
    subrequest: Subrequest | IncludedSubrequest,
    exchange: ServerExchange,
    parent: ServerExchange,
    options: SubrequestOptions,
  ): void {
    parent.origin.retain();
    this.running.add(subrequest);
    exchange.begin(subrequest, parent.origin);
    within(exchange, parent, options);
    if (subrequest instanceof IncludedSubrequest) {
      exchange.page = parent.page;
      exchange.depth = parent.depth + 1;
    }
    subrequest.begin();
  }

  requestEnded(subrequest: Subrequest | IncludedSubrequest, exchange: ServerExchange): void {
    const { origin } = exchange;
    this.running.delete(subrequest);
    exchange.end();
    if (origin.open && this.kept.length < MOST_KEPT) this.kept.push(exchange);
    origin.release();
  }

  /** A reload: exchanges that are kept refer to old routes. */
  forget(): void {
    this.kept.length = 0;
  }

  /** Breaks off all that run. */
  close(): void {
    for (const subrequest of [...this.running]) subrequest.abort();
  }
}

/** Gives an exchange that was just begun the head of `parent`, and leads it into a location. */
function within(exchange: ServerExchange, parent: ServerExchange, options: SubrequestOptions): void {
  const { parser, request, progress } = exchange;
  const { bytes, base, length } = parent.request;
  parser.feed(bytes, base, base + length);
  request.becomeSubrequest(options.body?.length ?? -1);
  progress.captures = parent.captures;
  progress.matched(null); // $1, $2 and so on are its own
  progress.beginSubrequest(parent.progress.router, options, options.isRepeated ? parent.progress : null);
  progress.choosing = options.body !== null;
  exchange.session = parent.session;
  exchange.user = parent.user;
  exchange.receivedBody = parent.receivedBody;
  parent.limits ??= new LimitState();
  exchange.limits = parent.limits.retain();
}

/** What asked is told. A mistake there is one of the request that asked. */
function guard(parent: ServerExchange, call: () => void): void {
  try {
    call();
  } catch (error) {
    parent.crash(error);
  }
}
