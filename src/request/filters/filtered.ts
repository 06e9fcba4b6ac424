/** Sends a reply through the filters of its location. Only the framing is left to the connection. */
import type { Exchange } from "../../exchange/exchange.ts";
import type { Filter, ReplyDraft } from "../../exchange/filter.ts";
import type { Field, ReplyBody, ReplyOptions } from "../../exchange/reply.ts";

/** What filters and the server's own fields need from the exchange. */
type Replying = Exchange & {
  readonly services: { readonly serverToken: string };
  /** Of its location. */
  readonly filters: readonly Filter[];
};

/**
 * Makes the draft of a reply: the server's own fields, then the handler's, then what the filters change.
 * @param kept the reply will be sent many times, so its body must be complete
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
  for (const field of fields) {
    const own = replaces(field[0]); // proxy_pass_header
    if (own < 0) all.push(field);
    else all[own] = field;
  }
  const draft: ReplyDraft = { status, fields: all, body, length: options?.length, kept, options, encoded: null };
  if (filters.length > 0) exchange.sentFields = all; // filters may ask for $sent_http_NAME: what there is so far
  for (const filter of filters) filter(draft, exchange);
  return draft;
}

/** Index of the server's own field that a field of the handler replaces, or -1. */
function replaces(name: string): number {
  if (name.length === 6) return name.toLowerCase() === "server" ? 0 : -1;
  return name.length === 4 && name.toLowerCase() === "date" ? 1 : -1;
}
