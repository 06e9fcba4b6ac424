/** What all filters that change bodies do with a reply's fields and its body. */
import type { MediaTypes } from "../../config/settings/filters.ts";
import type { Exchange } from "../../exchange/exchange.ts";
import type { ReplyDraft } from "../../exchange/filter.ts";
import type { StreamBody } from "../../exchange/reply.ts";
import { valueIn, weakened } from "../../handlers/compression/fields.ts";
import { type Source, sourceOf } from "../../handlers/compression/sources.ts";
import type { SharedServices } from "../../handlers/services.ts";
import { isAmong } from "../../handlers/transform/media-type.ts";
import type { Transform } from "../../handlers/transform/transform.ts";
import { TransformedStream } from "../../handlers/transform/transformed.ts";

/** Whether a reply is one of these types. A coded body is not text: it stays as it is. */
export function isOf(types: MediaTypes, { fields }: ReplyDraft): boolean {
  const type = valueIn(fields, "content-type");
  return type !== undefined && type !== "" && isAmong(types, type) && valueIn(fields, "content-encoding") === undefined;
}

export const isEmpty = ({ body, length }: ReplyDraft): boolean => (length ?? (body === null ? 0 : body.length)) === 0;

/** The fields of a changed reply. What becomes of validators: both stay, the entity tag is weak, or neither stays. */
export function changeFields(draft: ReplyDraft, validators: "stay" | "weak" | "go"): void {
  const gone = ["accept-ranges", "content-length", ...(validators === "go" ? ["etag", "last-modified"] : [])];
  const fields = draft.fields.filter(([name]) => !gone.includes(name.toLowerCase()));
  draft.fields = validators === "weak" ? fields.map(weakened) : fields;
}

/** Puts a body in place of the one that is there; its length is unknown then. HEAD gets none. */
export function replaceBody(
  draft: ReplyDraft,
  exchange: Exchange,
  services: SharedServices,
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
export function transform(draft: ReplyDraft, exchange: Exchange, services: SharedServices, change: Transform): void {
  replaceBody(draft, exchange, services, (source) => transformed(source, change, -1, exchange, services));
}

export const transformed = (
  source: Source,
  change: Transform,
  length: number,
  exchange: Exchange,
  { buffers }: SharedServices,
): StreamBody => new TransformedStream(source, change, length, buffers, () => exchange.resume());
