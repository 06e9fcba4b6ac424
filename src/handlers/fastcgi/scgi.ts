/** SCGI (`scgi_pass`) as a protocol of the gateway: a netstring with the headers, then the body as it is. */
import type { Settings } from "../../config/model.ts";
import type { Exchange, Templates } from "../../exchange/exchange.ts";
import type { Conversation, Protocol, RequestBodySize } from "../gateway/protocol.ts";
import { UpstreamReplies } from "../relay/reply/upstream-head.ts";
import { Parameters } from "./parameters.ts";
import { PlainConversation } from "./plain.ts";
import { ProgramReply } from "./reply.ts";

export class ScgiProtocol implements Protocol {
  private readonly parameters: Parameters;
  readonly replies: UpstreamReplies;

  constructor(
    private readonly settings: Settings,
    templates: Templates,
  ) {
    const { scgi, scgiOnly } = settings;
    this.parameters = new Parameters(scgiOnly.params, scgi.passRequestHeaders, templates, pair);
    this.replies = new UpstreamReplies("scgi", scgi);
  }

  begin(exchange: Exchange, body: RequestBodySize): Conversation {
    // CONTENT_LENGTH must be the first header, and there even without a body.
    const headers =
      pair("CONTENT_LENGTH", String(Math.max(0, body.length))) + this.parameters.of(exchange, body.length);
    const head = Buffer.from(`${headers.length}:${headers},`, "latin1");
    return new PlainConversation(head, new ProgramReply(this.settings.scgi.bufferSize, true, this.replies));
  }
}

/** A value with a NUL, which would end it, is left out. */
const pair = (name: string, value: string): string => (value.includes("\0") ? "" : `${name}\0${value}\0`);
