/** HTTP to a server (`proxy_pass`): everything of one location that does not depend on the request. */
import type { Pass } from "../../config/gateway.ts";
import type { Settings } from "../../config/model.ts";
import type { Exchange, Templates } from "../../exchange/exchange.ts";
import { passUrl } from "../../exchange/passing/pass-url.ts";
import type { Conversation, Protocol, RequestBodySize } from "../gateway/protocol.ts";
import { UpstreamReplies } from "../relay/reply/upstream-head.ts";
import { HttpConversation } from "./conversation.ts";
import { ReplyFields } from "./reply-fields.ts";
import { RequestHeads } from "./request-head.ts";
import { CHUNKED, NO_BODY } from "./set-fields.ts";

export class HttpProtocol implements Protocol {
  private readonly heads: RequestHeads;
  readonly replies: UpstreamReplies;
  private readonly headLimit: number;
  private readonly passesBody: boolean;
  private readonly pass: Pass;

  constructor(settings: Settings, templates: Templates) {
    this.pass = settings.pass!;
    this.heads = new RequestHeads(settings, templates, settings.proxy.cache.zone !== null);
    const rewriting = new ReplyFields(settings.proxyOnly, templates);
    this.replies = new UpstreamReplies("proxy", settings.proxy, (exchange, field) =>
      rewriting.rewritten(exchange, field),
    );
    this.headLimit = settings.proxy.bufferSize;
    this.passesBody = settings.proxy.passRequestBody;
  }

  begin(exchange: Exchange, body: RequestBodySize): Conversation {
    this.nameServer(exchange);
    const length = this.framing(exchange, body.length);
    const { bytes, method, keepsAlive } = this.heads.make(exchange, length);
    const { request } = exchange;
    const upgrade = request.minor === 1 && body.length === 0 && request.fieldIndex("upgrade") >= 0;
    const expected = { headOnly: method === "HEAD", upgrade, headLimit: this.headLimit };
    return new HttpConversation(bytes, length === CHUNKED, keepsAlive, expected, this.replies);
  }

  /** For $proxy_host and $proxy_port, which the head may contain. */
  private nameServer(exchange: Exchange): void {
    const { upstream } = exchange;
    if (upstream === null) return;
    upstream.target = this.pass.target === null ? this.pass : passUrl(exchange, this.pass);
  }

  /** As nginx: a client that announces no body gets no Content-Length, not even 0. Without the body its length is still told. */
  private framing({ request }: Exchange, length: number): number {
    if (!this.passesBody) return request.contentLength >= 0 ? request.contentLength : NO_BODY;
    if (length < 0) return CHUNKED;
    return length > 0 || request.contentLength >= 0 || request.chunked ? length : NO_BODY;
  }
}
