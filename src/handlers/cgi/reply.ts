/** What the header block of a script's output makes of the reply (RFC 3875 §6). */
import type { Exchange, StreamBody } from "../handler.ts";
import type { OutputHead } from "./output.ts";

/** Replies with a script's output, or with what its local redirect leads to. `body` is the output behind the header block. */
export function replyWithOutput(exchange: Exchange, head: OutputHead, body: StreamBody): void {
  patchSession(exchange, head.sessionPatch);
  const { location } = head;
  // Only a Location that stands alone is a local redirect; with a Status it goes to the client as it is (§6.2.2, §6.2.4).
  if (location !== null && head.status === 0 && /^\/(?!\/)/.test(location)) {
    body.close();
    return exchange.redirect(location, undefined, exchange.method === "HEAD" ? "HEAD" : "GET");
  }
  const status = head.status || (location === null ? 200 : 302);
  const fields = location === null ? head.fields : [...head.fields, ["Location", location] as const];
  exchange.reply(status, fields, body, head.contentLength >= 0 ? { length: head.contentLength } : undefined);
}

function patchSession(exchange: Exchange, patch: string | null): void {
  if (patch === null || exchange.session === null) return;
  const status = exchange.session.patch(patch);
  if (status !== 0)
    exchange.log("error", `X-Session-Patch was refused (${status}): it is to be a JSON object, the data at most 4 KB`);
}
