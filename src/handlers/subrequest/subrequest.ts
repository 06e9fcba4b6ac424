/** What phases and filters ask of the server for requests within requests (src/request/within/subrequest.ts answers them). */
import type { Exchange } from "../../exchange/exchange.ts";
import type { BodySink } from "../../exchange/handler.ts";
import type { ReplyBody } from "../../exchange/reply.ts";

export interface SubrequestOptions {
  /** A path with or without a query. It counts as an internal redirect. */
  readonly uri: string;
  /** The query instead of that of `uri`. */
  readonly query?: string;
  readonly method: string;
  /** It is the request of the client once more, so the path as the client wrote it still counts. */
  readonly isRepeated?: boolean;
  /** null: it has none, whatever the client's request has. */
  readonly body: SubrequestBody | null;
}

/** A body that was kept. */
export interface SubrequestBody {
  readonly length: number;
  /** Offers the bytes from `position` on, once. Bytes taken, or -errno. */
  pass(sink: BodySink, position: number): number;
  /** It is not needed any more; called once. */
  release(): void;
}

/** Takes the reply of a request that is included in that of another. */
export interface Includer {
  /** The reply is there, once. The body is the includer's, who closes it. */
  onReply(reply: Exchange, body: ReplyBody): void;
  /** More of the body may be there. */
  onMore(): void;
}

/** A request that is included in another. */
export interface IncludedRequest {
  /** Its reply was read to the end. */
  finish(): void;
  /** Nobody wants its reply any more. */
  abort(): void;
}

export interface SubrequestStarter {
  /**
   * Starts a request in the locations of the same server, with the head of the client's request. As in nginx, only the phases of rewrite and the
   * limits run, nothing is sent, and access logs get a line only with `log_subrequest`.
   * @param replied called once with its exchange when its reply is there, perhaps before this returns. null: it may outlive the request
   * @returns breaks it off; `replied` is not called any more
   */
  start(of: Exchange, options: SubrequestOptions, replied: ((reply: Exchange) => void) | null): () => void;
  /** As `start`, by GET, for a request whose reply becomes part of that to `of`. @param path decoded */
  include(of: Exchange, path: string, query: string, includer: Includer): IncludedRequest;
}
