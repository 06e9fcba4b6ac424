/** What all filters that change bodies do with a reply's fields and its body. */
import type { MediaTypes } from "../../config/settings/filters.ts";
import type { Exchange } from "../../exchange/exchange.ts";
import type { ReplyDraft } from "../../exchange/filter.ts";
import type { StreamBody } from "../../exchange/reply.ts";
import { valueIn, weakened } from "../../handlers/compression/fields.ts";
import { type Source, sourceOf } from "../../handlers/compression/sources.ts";
import type { HandlerServices } from "../../handlers/services.ts";
import { isAmong } from "../../handlers/transform/media-type.ts";
import type { Transform } from "../../handlers/transform/transform.ts";
import { TransformedStream } from "../../handlers/transform/transformed.ts";

/** Whether a filter takes a reply: one of these types that is not empty. A coded body is not text: it stays as it is. */
export function takes(draft: ReplyDraft, types: MediaTypes): boolean {
  const type = valueIn(draft.fields, "content-type");
  if (type === undefined || type === "" || !isAmong(types, type)) return false;
  const length = draft.length ?? (draft.body === null ? 0 : draft.body.length);
  return length !== 0 && valueIn(draft.fields, "content-encoding") === undefined;
}

/** The fields of a changed reply. What becomes of validators: both stay, the entity tag is weak, or neither stays. */
export function changeFields(draft: ReplyDraft, validators: "stay" | "weak" | "go"): void {
  const gone = ["accept-ranges", "content-length", ...(validators === "go" ? ["etag", "last-modified"] : [])];
  const fields = draft.fields.filter(([name]) => !gone.includes(name.toLowerCase()));
  draft.fields = validators === "weak" ? fields.map(weakened) : fields;
}

/** Puts a body in place of the one that is there; its length is unknown then. HEAD gets none. */
function replaceBody(
  draft: ReplyDraft,
  exchange: Exchange,
  services: HandlerServices,
  make: (source: Source) => StreamBody,
): void {
  const { body } = draft;
  if (body === null || exchange.method === "HEAD") draft.length = -1;
  else {
    draft.body = make(sourceOf(body, services.kernel));
    draft.length = undefined;
  }
}

/** Changes the body piece by piece. */
export function transform(draft: ReplyDraft, exchange: Exchange, services: HandlerServices, change: Transform): void {
  replaceBody(draft, exchange, services, (source) => transformed(source, change, -1, exchange, services));
}

export const transformed = (
  source: Source,
  change: Transform,
  length: number,
  exchange: Exchange,
  { buffers }: HandlerServices,
): StreamBody => new TransformedStream(source, change, length, buffers, () => exchange.resume());
