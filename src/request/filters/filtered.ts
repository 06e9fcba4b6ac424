/** A reply behind its location's filters: what is left is the connection's part, the framing. */
import type { Exchange } from "../../exchange/exchange.ts";
import type { Filter, ReplyDraft } from "../../exchange/filter.ts";
import type { Field, ReplyBody, ReplyOptions } from "../../exchange/reply.ts";

/** The exchange, as filters and the server's own fields need it. */
type Replying = Exchange & {
  readonly services: { readonly serverToken: string };
  /** Of its location. */
  readonly filters: readonly Filter[];
};

/**
 * The server's own fields and the handler's, through the filters of the location.
 * @param kept the reply is made to be sent many times: its body is needed whole
 */
export function filtered(
  exchange: Replying,
  status: number,
  fields: readonly Field[],
  body: ReplyBody,
  options: ReplyOptions | undefined,
  kept = false,
): ReplyDraft {
  const { services, settings, filters } = exchange;
  const all: Field[] = [
    ["Server", settings.serverTokens ? services.serverToken : "webserv"],
    ["Date", services.clock.date],
  ];
  for (const field of fields) all.push(field);
  const draft: ReplyDraft = { status, fields: all, body, length: options?.length, kept, options, encoded: null };
  for (const filter of filters) filter(draft, exchange);
  return draft;
}
