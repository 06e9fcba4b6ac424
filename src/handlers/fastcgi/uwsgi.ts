/** uwsgi (`uwsgi_pass`) as a protocol of the gateway: one packet with the variables, then the body as it is. */
import type { Settings } from "../../config/model.ts";
import type { Exchange, Templates } from "../../exchange/exchange.ts";
import type { Conversation, Protocol, RequestBodySize } from "../gateway/protocol.ts";
import { UpstreamReplies } from "../relay/reply/upstream-head.ts";
import { Parameters } from "./parameters.ts";
import { PlainConversation } from "./plain.ts";
import { ProgramReply } from "./reply.ts";

/** The packet's length has 16 bits. */
const MOST_BYTES = 65_535;
const HEADER = 4;

export class UwsgiProtocol implements Protocol {
  private readonly parameters: Parameters;
  readonly replies: UpstreamReplies;

  constructor(
    private readonly settings: Settings,
    templates: Templates,
  ) {
    const { uwsgi, uwsgiOnly } = settings;
    this.parameters = new Parameters(uwsgiOnly.params, uwsgi.passRequestHeaders, templates, pair);
    this.replies = new UpstreamReplies("uwsgi", uwsgi);
  }

  begin(exchange: Exchange, body: RequestBodySize): Conversation | string {
    const { uwsgi, uwsgiOnly } = this.settings;
    const variables = this.parameters.of(exchange, body.length);
    if (variables.length > MOST_BYTES) return `uwsgi request is too big: ${variables.length}`;
    const head = packet(uwsgiOnly.modifier1, variables, uwsgiOnly.modifier2);
    return new PlainConversation(head, new ProgramReply(uwsgi.bufferSize, true, this.replies));
  }
}

/** A length of 16 bits, the low byte first. */
const size = (length: number): string => String.fromCharCode(length & 0xff, (length >> 8) & 0xff);
const pair = (name: string, value: string): string => size(name.length) + name + size(value.length) + value;

function packet(modifier1: number, variables: string, modifier2: number): Buffer {
  const { length } = variables;
  const bytes = Buffer.allocUnsafeSlow(HEADER + length);
  bytes[0] = modifier1;
  bytes.writeUInt16LE(length, 1);
  bytes[3] = modifier2;
  bytes.latin1Write(variables, HEADER, length);
  return bytes;
}
