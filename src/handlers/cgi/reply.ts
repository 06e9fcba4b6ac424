/** Makes the reply from a script's output (RFC 3875 §6). */

import type { Exchange } from "../../exchange/exchange.ts";
import type { Field, StreamBody } from "../../exchange/reply.ts";
import { unicode } from "../../http/octets.ts";
import { normalise } from "../../http/request/target.ts";
import { allowValue } from "../../routing/answering.ts";
import type { ReplyHead } from "../relay/reply-head.ts";
import type { HandlerServices } from "../services.ts";
import { OutputHead } from "./output.ts";

/** A path and a query, encoded as in a request. Not another host's ("//evil"), and without a fragment, which only clients use. */
const LOCAL = /^(\/(?!\/)[^?#]*)(?:\?([^#]*))?$/;

/**
 * The path and query of a local redirect (§6.2.2); null: the header block has none. A Location together with a Status is sent to
 * the client (§6.2.4).
 */
function localRedirect({ location, status }: OutputHead): RegExpExecArray | null {
  return location === null || status !== 0 ? null : LOCAL.exec(location);
}

/** Parses a script's output and replies with it. */
export class ScriptReply implements ReplyHead {
  private readonly head = new OutputHead();

  constructor(private readonly services: HandlerServices) {}

  feed(bytes: Buffer, start: number, end: number): number {
    return this.head.feed(bytes, start, end);
  }

  get reason(): string {
    return this.head.reason;
  }

  get contentLength(): number {
    return this.head.contentLength;
  }

  reply(exchange: Exchange, body: StreamBody): void {
    const { head, services } = this;
    services.files.mayHaveChanged(); // the script may have written what it now redirects to
    // The target of the redirect may be a script too: it must not be refused because this one, which is about to end, has its slot.
    if (localRedirect(head) === null) replyWithOutput(exchange, head, body);
    else services.scripts.handOver(() => replyWithOutput(exchange, head, body));
  }
}

/** Replies with a script's output, or follows its local redirect. `body` is the output after the header block. */
function replyWithOutput(exchange: Exchange, head: OutputHead, body: StreamBody): void {
  patchSession(exchange, head.sessionPatch);
  const local = localRedirect(head);
  if (local !== null) {
    body.close();
    return redirectLocally(exchange, head, local);
  }
  const status = head.status || (head.location === null ? 200 : 302);
  const fields = fieldsOf(exchange, head, status);
  if (status === 205) {
    body.close(); // RFC 9110 §15.3.6: it has none
    return exchange.reply(status, fields, null);
  }
  exchange.reply(status, fields, body, head.contentLength >= 0 ? { length: head.contentLength } : undefined);
}

/** The script's fields; Allow is added to a 405 (RFC 9110 §15.5.6). */
function fieldsOf({ settings, method }: Exchange, { fields: own, location }: OutputHead, status: number): Field[] {
  const fields: Field[] = [...own];
  if (location !== null) fields.push(["Location", location]);
  if (status === 405 && !own.some(([name]) => /^allow$/i.test(name)))
    fields.push(["Allow", allowValue(settings, undefined, method)]);
  return fields;
}

/** Redirects as if the client had asked for the path by GET, without a body. The script's cookies are added to the reply. */
function redirectLocally(exchange: Exchange, head: OutputHead, [, encoded = "", query = ""]: RegExpExecArray): void {
  for (const [name, value] of head.fields) if (/^set-cookie$/i.test(name)) exchange.addField(name, value);
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
