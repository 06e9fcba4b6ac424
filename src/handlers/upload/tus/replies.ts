/** Fields of replies about resumable uploads. */
import type { Upload as Place } from "../../../config/parts.ts";
import type { Exchange } from "../../../exchange/exchange.ts";
import type { Field } from "../../../exchange/reply.ts";
import { formatDate } from "../../../http/reply/date.ts";
import type { Failure } from "../failure.ts";
import { urlOf } from "../target.ts";
import type { Finished } from "./finished.ts";

/** @param second since 1970 */
export const expires = (second: number): Field => ["Upload-Expires", formatDate(second)];

export const offsetField = (offset: number): Field => ["Upload-Offset", String(offset)];

/** Content-Location: the URL of a finished upload's file. */
export const fileField = (place: Place, { stored }: Finished): Field => ["Content-Location", urlOf(place, stored)];

/** Replies with a failure. The result, undefined, means that there is no sink for the body. */
export function refuse(exchange: Exchange, failure: Failure): undefined {
  failure.reply(exchange);
}
