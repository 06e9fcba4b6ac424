/** The kept replies of one page: one for each thing that requests may accept, for compression makes each another. */
import type { Exchange } from "../../exchange/exchange.ts";
import type { Codings } from "../compression/codings.ts";
import type { KeptReply } from "./kept-reply.ts";

export class KeptReplies {
  private readonly kept: KeptReply[] = [];

  /** @param codings null: the location compresses nothing */
  constructor(private readonly codings: Codings | null) {}

  /** The one for a request, made by `make` if it is the first; null: nothing that is kept may answer it. */
  for(exchange: Exchange, make: () => KeptReply): KeptReply | null {
    const accepted = this.codings === null ? 0 : (this.codings.accepted(exchange)?.index ?? -1);
    return accepted < 0 ? null : (this.kept[accepted] ??= make());
  }
}
