/** `add_trailer` (ngx_http_headers_module): fields behind the body. */
import type { Block } from "../../../ffi/memory.ts";
import type { Settings } from "../../config/model.ts";
import type { AddHeader } from "../../config/parts.ts";
import type { Exchange } from "../../exchange/exchange.ts";
import type { Filter } from "../../exchange/filter.ts";
import type { Field, StreamBody } from "../../exchange/reply.ts";
import { evaluateOctets } from "../../exchange/templates.ts";
import { type Source, sourceOf } from "../../handlers/compression/sources.ts";
import type { SharedServices } from "../../handlers/services.ts";
import { isBodiless } from "../../http/reply/status.ts";
import { isSuccessful } from "./added-fields.ts";

export function trailers({ addTrailers, chunkedTransferEncoding }: Settings, { kernel }: SharedServices): Filter {
  return (draft, exchange) => {
    if (exchange.isSubrequest || exchange.method === "HEAD" || isBodiless(draft.status)) return;
    if (exchange.request.minor === 0 || !chunkedTransferEncoding) return;
    const sent = isSuccessful(draft.status) ? addTrailers : addTrailers.filter(({ always }) => always);
    if (sent.length === 0) return;
    draft.body = new Trailed(draft.body === null ? null : sourceOf(draft.body, kernel), sent, exchange);
    draft.length = undefined;
  };
}

/** A body of unknown length, so that it is sent chunked. */
class Trailed implements StreamBody {
  readonly kind = "stream";
  readonly length = -1;

  constructor(
    private readonly source: Source | null,
    private readonly rules: readonly AddHeader[],
    private readonly exchange: Exchange,
  ) {}

  read(block: Block, offset: number, length: number): number {
    return this.source === null ? 0 : this.source.read(block, offset, length);
  }

  readAhead(): void {
    this.source?.readAhead?.();
  }

  trailers(): readonly Field[] {
    const fields = this.rules.map(({ name, value }): Field => [name, evaluateOctets(value, this.exchange)]);
    return (this.exchange.sentTrailers = fields.filter(([, value]) => value !== ""));
  }

  close(): void {
    this.source?.close();
  }
}
