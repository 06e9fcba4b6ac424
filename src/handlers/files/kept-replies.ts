/** The kept replies of one page: one for each combination of codings that requests accept, because each may be compressed differently. */
import type { Exchange } from "../../exchange/exchange.ts";
import type { Codings } from "../compression/codings.ts";
import type { KeptReply } from "./kept-reply.ts";

export class KeptReplies {
  private readonly kept: KeptReply[] = [];

  /** @param codings null: the location does not use compression @param make makes the reply for the first request that gets it */
  constructor(
    private readonly codings: Codings | null,
    private readonly make: (exchange: Exchange) => KeptReply,
  ) {}

  /** The reply for a request. Null: no kept reply may answer it. */
  for(exchange: Exchange): KeptReply | null {
    const accepted = this.codings === null ? 0 : (this.codings.accepted(exchange)?.index ?? -1);
    return accepted < 0 ? null : (this.kept[accepted] ??= this.make(exchange));
  }
}
