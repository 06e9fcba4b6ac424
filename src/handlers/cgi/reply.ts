/** What the header block of a script's output makes of the reply (RFC 3875 §6). */

import type { Exchange } from "../../exchange/exchange.ts";
import type { Field, StreamBody } from "../../exchange/reply.ts";
import { withCharset } from "../../http/mime.ts";
import { unicode } from "../../http/octets.ts";
import { normalise } from "../../http/request/target.ts";
import { allowValue } from "../../routing/answering.ts";
import type { ReplyHead } from "../relay/relay.ts";
import type { HandlerServices } from "../services.ts";
import { OutputHead } from "./output.ts";

/** A path and a query, both encoded as in a request. Neither another host's ("//evil") nor with a fragment, which only clients know. */
const LOCAL = /^(\/(?!\/)[^?#]*)(?:\?([^#]*))?$/;

/**
 * The path and query that a header block redirects to inside the server (§6.2.2); null: it does not. A Location beside a Status
 * goes to the client as it is (§6.2.4).
 */
function localRedirect({ location, status }: OutputHead): RegExpExecArray | null {
  return location === null || status !== 0 ? null : LOCAL.exec(location);
}

/** The reply that a script's output is. */
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
    services.files.doubt(); // the script may have written what it now redirects to
    // What a script redirects to may be a script too: it must not be refused for want of the place that this one is about to leave.
    if (localRedirect(head) === null) replyWithOutput(exchange, head, body);
    else services.scripts.handOver(() => replyWithOutput(exchange, head, body));
  }
}

/** Replies with a script's output, or with what its local redirect leads to. `body` is the output behind the header block. */
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

/** The script's own, with what the location adds to the type of a text, and what a 405 must say (RFC 9110 §15.5.6). */
function fieldsOf({ settings, method }: Exchange, { fields: own, location }: OutputHead, status: number): Field[] {
  const fields = own.map(([name, value]): Field => [name, isType(name) ? withCharset(value, settings.charset) : value]);
  if (location !== null) fields.push(["Location", location]);
  if (status === 405 && !own.some(([name]) => /^allow$/i.test(name)))
    fields.push(["Allow", allowValue(settings, undefined, method)]);
  return fields;
}

const isType = (name: string): boolean => /^content-type$/i.test(name);

/** As if the client had asked for it, by GET and without a body. Cookies are the one thing a script may want to say besides. */
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
