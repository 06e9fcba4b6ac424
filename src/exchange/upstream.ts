/** What is known of the servers that a request was passed to, for the variables $upstream_* (rows in variables.ts). */
import type { Field } from "./reply.ts";

/** One attempt to get the reply from a server. Times are ms since it began; -1: it did not get so far. */
export class AttemptRecord {
  /** Of the reply; 502 or 504 when there was none; 0: not known. */
  status = 0;
  /** When the connection was there; 0 for a kept one. */
  connectTime = -1;
  /** When the head of the reply was complete. */
  headerTime = -1;
  /** When the reply had ended, or the attempt had failed. */
  responseTime = -1;
  /** Bytes of the reply's body. */
  responseLength = 0;
  /** Bytes on the connection. */
  bytesReceived = 0;
  bytesSent = 0;

  /**
   * @param name the server's address, or the group's name when it had no server for the request
   * @param startedAt monotonic ms
   */
  constructor(
    readonly name: string,
    readonly startedAt: number,
  ) {}
}

/** Fields with which a client asks for less than the whole reply: a request that is sent for a cache has none of the client's. */
export const CONDITIONS: readonly string[] = [
  "If-Modified-Since",
  "If-Unmodified-Since",
  "If-None-Match",
  "If-Match",
  "Range",
  "If-Range",
];

/** What a request is like that is sent for a cache. */
export interface CacheFetch {
  /** The whole reply is wanted, without the client's conditions and ranges. */
  readonly asksForAll: boolean;
  /** HEAD is sent as GET. */
  readonly convertsHead: boolean;
  /** If-Modified-Since and If-None-Match of the entry that is to be confirmed; "": none. */
  readonly modifiedSince: string;
  readonly noneMatch: string;
}

export class UpstreamFacts {
  /** In order; null stands between those of two locations (after an internal redirect). */
  readonly attempts: (AttemptRecord | null)[] = [];
  /** $proxy_host and $proxy_port; null: not yet known, or it is no `proxy_pass`. */
  target: { readonly host: string; readonly port: string } | null = null;
  /** The fields of the latest reply; null: none have come. */
  reply: readonly Field[] | null = null;
  /** The cache waits for the reply; null: it does not. */
  fetch: CacheFetch | null = null;
  /** $upstream_cache_status; "": no cache was asked. */
  cacheStatus = "";
  /** ms that the request waited for a server with a free connection; -1: it did not wait. */
  queueTime = -1;
  /** What the request is being passed to, for the error log; null: nothing. */
  source: { readonly url: string } | null = null;

  /** Called by each location that passes the request to a server, before its first attempt. @param fetch the cache that waits for the reply */
  begin(fetch: CacheFetch | null = null): void {
    this.fetch = fetch;
    if (this.attempts.length > 0) this.attempts.push(null);
    this.reply = null;
  }
}
