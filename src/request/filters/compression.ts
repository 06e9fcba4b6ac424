/** Compresses replies (ngx_http_gzip_filter_module, ngx_brotli, zstd-nginx-module). Replies with files come here compressed already. */

import type { Exchange } from "../../exchange/exchange.ts";
import type { Filter, ReplyDraft } from "../../exchange/filter.ts";
import { discard, type ReplyBody, type StreamBody } from "../../exchange/reply.ts";
import type { Codings, Way } from "../../handlers/compression/codings.ts";
import { compressWhole } from "../../handlers/compression/compressor.ts";
import { addVary, encodedFields, valueIn } from "../../handlers/compression/fields.ts";
import { sourceOf } from "../../handlers/compression/sources.ts";
import { CompressedStream } from "../../handlers/compression/stream.ts";
import type { HandlerServices } from "../../handlers/services.ts";

/** Bytes. A body in memory up to this size is compressed at once, so that its length is known. */
const AT_ONCE = 16 * 1024;

export function compressing(codings: Codings, services: HandlerServices): Filter {
  return (draft, exchange) => {
    if (draft.options?.encoded !== undefined) return label(draft, codings);
    const ways = suitable(draft, codings);
    if (ways.length === 0) return;
    if (codings.varies) addVary(draft.fields);
    const accepted = codings.acceptedWith(exchange, draft.fields);
    const way = codings.waysFor(accepted).find((each) => ways.includes(each));
    if (way !== undefined) encode(draft, way, exchange, services);
  };
}

/** The body is compressed already, or must not be: only the fields are set. */
function label(draft: ReplyDraft, codings: Codings): void {
  const encoded = draft.options!.encoded!;
  if (encoded.coding === null) return;
  draft.fields = encodedFields(draft.fields, encoded.coding);
  draft.encoded = encoded;
  if (codings.varies) addVary(draft.fields);
}

/** The ways in which this reply may be compressed, whatever the client accepts. */
function suitable({ status, fields, body, length }: ReplyDraft, codings: Codings): readonly Way[] {
  if (body === null && length === undefined) return [];
  if (valueIn(fields, "content-encoding") !== undefined) return [];
  const type = valueIn(fields, "content-type");
  const bytes = length ?? (body === null ? 0 : body.length);
  return type === undefined ? [] : codings.ways.filter((way) => codings.suits(way, status, type, bytes));
}

function encode(draft: ReplyDraft, way: Way, exchange: Exchange, services: HandlerServices): void {
  const { body } = draft;
  const method = way.method!;
  if (
    Buffer.isBuffer(body) &&
    (draft.kept || (body.length <= AT_ONCE && services.compression.mayNow(method, body.length)))
  ) {
    if (draft.kept) services.compression.charge(method, body.length);
    const bytes = compressWhole(method.coding, method.level, body);
    draft.encoded = { coding: way.coding, bytesIn: body.length, bytesOut: bytes.length };
    draft.body = bytes;
  } else if (exchange.method === "HEAD" || body === null) {
    draft.body = unread(body);
  } else {
    const compressor = services.compression.open(method);
    if (compressor === null) return; // too many replies are being compressed: this one is sent as it is
    const source = sourceOf(body, services.kernel);
    draft.body = new CompressedStream(source, compressor, method, services.compression, () => exchange.resume());
    draft.encoded = compressor;
  }
  draft.length = undefined;
  draft.fields = encodedFields(draft.fields, way.coding);
}

/** Stands for the compressed body that GET would get, whose length is unknown. HEAD never reads it. */
function unread(body: ReplyBody): StreamBody {
  return { kind: "stream", length: -1, read: () => 0, close: () => discard(body) };
}
