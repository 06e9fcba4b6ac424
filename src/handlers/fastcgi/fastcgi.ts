/** FastCGI (`fastcgi_pass`) as a protocol of the gateway. */
import type { Settings } from "../../config/model.ts";
import type { Exchange, Templates } from "../../exchange/exchange.ts";
import { unicode } from "../../http/octets.ts";
import type { Conversation, Protocol, RequestBodySize } from "../gateway/protocol.ts";
import { UpstreamReplies } from "../relay/reply/upstream-head.ts";
import { Parameters } from "./parameters.ts";
import { lengthOctets, MOST_CONTENT, RecordReader, requestRecords, stdinHeader } from "./records.ts";
import { ProgramReply } from "./reply.ts";

/** Most bytes of one reply's STDERR that are logged. */
const MOST_STDERR = 64 * 1024;

export class FastcgiProtocol implements Protocol {
  private readonly parameters: Parameters;
  readonly replies: UpstreamReplies;

  constructor(
    private readonly settings: Settings,
    templates: Templates,
  ) {
    const { fastcgi, fastcgiOnly } = settings;
    this.parameters = new Parameters(fastcgiOnly.params, fastcgi.passRequestHeaders, templates, pair);
    this.replies = new UpstreamReplies("fastcgi", fastcgi);
  }

  begin(exchange: Exchange, body: RequestBodySize, log: (text: string) => void): Conversation {
    const { fastcgi, fastcgiOnly } = this.settings;
    const params = this.parameters.of(exchange, body.length);
    const reply = new ProgramReply(fastcgi.bufferSize, false, this.replies);
    return new FastcgiConversation(log, params, fastcgiOnly.keepConn, fastcgiOnly.catchStderr, reply);
  }
}

/** A name-value pair (FastCGI 1.0 §3.4). */
const pair = (name: string, value: string): string =>
  lengthOctets(name.length) + lengthOctets(value.length) + name + value;

class FastcgiConversation implements Conversation {
  readonly largestPiece = MOST_CONTENT;
  private readonly reader = new RecordReader((bytes, start, end) => this.onStderr(bytes, start, end));
  private logged = 0;

  constructor(
    private readonly log: (text: string) => void,
    private readonly params: string,
    private readonly keepsConnection: boolean,
    private readonly fatal: readonly string[],
    readonly replyHead: ProgramReply,
  ) {}

  /** The sender copies it, as each of the following. */
  get head(): Buffer {
    return requestRecords(this.params, this.keepsConnection);
  }

  before(length: number): Buffer {
    return stdinHeader(length);
  }

  after(): null {
    return null;
  }

  endOfBody(): Buffer {
    return stdinHeader(0);
  }

  decode(bytes: Buffer, start: number, end: number): number {
    return this.reader.decode(bytes, start, end);
  }

  onEnd(): boolean {
    return this.complete;
  }

  /** As in nginx, the end of STDOUT is enough if the connection is not used again. */
  get complete(): boolean {
    return this.reader.complete || (this.reader.stdoutEnded && !this.keepsConnection);
  }

  get reusable(): boolean {
    return this.keepsConnection && !this.reader.excess;
  }

  get status(): number {
    return this.replyHead.status;
  }

  get reason(): string {
    return this.reader.reason;
  }

  /** As nginx: each piece that arrives is a message, without line ends, dots and spaces at its end. */
  private onStderr(bytes: Buffer, start: number, end: number): boolean {
    const text = bytes.latin1Slice(start, end).replace(/[\n\r. ]+$/, "");
    if (this.logged <= MOST_STDERR) this.logPiece(text);
    const isFatal = !this.replyHead.complete && this.fatal.some((each) => text.includes(each));
    return isFatal ? this.reader.refuse("a message in stderr that fastcgi_catch_stderr names") : true;
  }

  private logPiece(text: string): void {
    this.logged += text.length + 1;
    const more = this.logged > MOST_STDERR ? ", more of it is left out" : "";
    const waiting = this.replyHead.complete ? "while reading upstream" : "while reading response header from upstream";
    this.log(`FastCGI sent in stderr: "${unicode(text)}"${more} ${waiting}`);
  }
}
