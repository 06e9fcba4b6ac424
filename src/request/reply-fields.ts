/** The fields of a reply: the server's own, the handler's, and those that the location adds. */
import type { Exchange } from "../exchange/exchange.ts";
import type { Field, ReplyOptions } from "../exchange/reply.ts";
import { addFields } from "./added-fields.ts";

/** All fields of a reply of `status` but those of its framing and its connection, which the connection adds. */
export function replyFields(
  exchange: Exchange & { readonly services: { readonly serverToken: string } },
  fields: readonly Field[],
  status: number,
  options: ReplyOptions | undefined,
): Field[] {
  const { services, settings } = exchange;
  const all: Field[] = [
    ["Server", settings.serverTokens ? services.serverToken : "webserv"],
    ["Date", services.clock.date],
  ];
  for (const field of fields) all.push(field);
  addFields(all, exchange, status, options?.modified);
  return all;
}
