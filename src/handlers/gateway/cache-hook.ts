/** Lets the cache decide about the reply of a source. */
import type { Exchange } from "../../exchange/exchange.ts";
import type { CacheTurn } from "../cache/turn.ts";
import type { ReplyHook, UpstreamHead } from "../relay/watcher.ts";
import type { UpstreamSource } from "./source.ts";

export class CacheHook implements ReplyHook {
  constructor(
    private readonly turn: CacheTurn,
    private readonly source: UpstreamSource,
  ) {}

  onHead(exchange: Exchange, head: UpstreamHead): ReturnType<ReplyHook["onHead"]> {
    return this.turn.onHead(exchange, head);
  }

  onFailure(exchange: Exchange, status: number): boolean {
    return this.turn.failed(exchange, this.source.failure, status);
  }

  onAbandoned(): void {
    this.turn.end();
  }
}
