/** What the header block of a script's output makes of the reply (RFC 3875 §6). */
import { unicode } from "../../http/octets.ts";
import { normalise } from "../../http/target.ts";
import type { Exchange, StreamBody } from "../handler.ts";
import type { OutputHead } from "./output.ts";

/**
 * Replies with a script's output, or with what its local redirect leads to. `body` is the output behind the header block.
 * Only a Location that stands alone is a local redirect; with a Status it goes to the client as it is (§6.2.2, §6.2.4).
 */
export function replyWithOutput(exchange: Exchange, head: OutputHead, body: StreamBody): void {
  patchSession(exchange, head.sessionPatch);
  const { location } = head;
  const local = location === null || head.status !== 0 ? null : LOCAL.exec(location);
  if (local !== null) {
    body.close();
    return redirectLocally(exchange, local[1]!, local[2] ?? "");
  }
  const status = head.status || (location === null ? 200 : 302);
  const fields = location === null ? head.fields : [...head.fields, ["Location", location] as const];
  exchange.reply(status, fields, body, head.contentLength >= 0 ? { length: head.contentLength } : undefined);
}

/** A path and a query, both encoded as in a request (§6.2.2). Neither another host's ("//evil") nor with a fragment, which only clients know. */
const LOCAL = /^(\/(?!\/)[^?#]*)(?:\?([^#]*))?$/;

/** As if the client had asked for it, by GET and without a body. */
function redirectLocally(exchange: Exchange, encoded: string, query: string): void {
  const path = normalise(Buffer.from(encoded, "latin1"), 0, encoded.length);
  if (path !== null) return exchange.redirect(path, query, exchange.method === "HEAD" ? "HEAD" : "GET");
  exchange.log("error", `a script's Location is no path: ${JSON.stringify(unicode(encoded))}`);
  exchange.fail(502);
}

function patchSession(exchange: Exchange, patch: string | null): void {
  if (patch === null || exchange.session === null) return;
  const status = exchange.session.patch(unicode(patch));
  if (status !== 0)
    exchange.log("error", `X-Session-Patch was refused (${status}): it is to be a JSON object, the data at most 4 KB`);
}
