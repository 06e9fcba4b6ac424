/** The contract between UpstreamSource, which moves bytes to and from a peer, and the protocols, which know what the bytes mean. */
import type { Exchange } from "../../exchange/exchange.ts";
import type { Field } from "../../exchange/reply.ts";
import type { UpstreamReplies } from "../relay/reply/upstream-head.ts";
import type { ReplyHead } from "../relay/reply-head.ts";

/** The body that the peer gets. */
export interface RequestBodySize {
  /** Bytes; 0: no body; -1: unknown, so the protocol frames it. */
  readonly length: number;
}

/** One request in one protocol, for one attempt on one connection. */
export interface Conversation {
  /** What is sent before the body: the head of an HTTP request, or records with the parameters. */
  readonly head: Buffer;
  /** Most bytes of the body that `before` can frame as one piece (FastCGI: 65,535). */
  readonly largestPiece: number;
  /** What is sent before and after a piece of `length` bytes of the body; null: nothing. */
  before(length: number): Buffer | null;
  after(length: number): Buffer | null;
  /** What is sent when the body is complete, also when there is none; null: nothing. The request is then sent completely. */
  endOfBody(): Buffer | null;

  /**
   * Takes what was received, bytes[start, end), and leaves the payload (the head block, then the body without its framing) in the
   * same place. Bytes of payload, from `start` on; -1: malformed, see `reason`. What comes behind a complete reply is an error of
   * the peer: the conversation is then complete, but not reusable.
   */
  decode(bytes: Buffer, start: number, end: number): number;
  /** The peer has closed the connection. False: the reply is not complete. */
  onEnd(): boolean;
  /** The whole reply was decoded. */
  readonly complete: boolean;
  /** The peer keeps the connection for another request. Valid when `complete`. */
  readonly reusable: boolean;
  /** Parses the head block out of the payload. */
  readonly replyHead: ReplyHead;
  /** After the head: the peer has switched protocols (101), and what follows belongs to a tunnel. The fields of the reply; null: it has not. */
  upgrade?(exchange: Exchange): readonly Field[] | null;
  /** The reply's status (200 where the protocol lets it out), once `replyHead` has the whole head. For *_next_upstream. */
  readonly status: number;
  /** Why `decode` gave -1, for the error log. */
  readonly reason: string;
}

/** A protocol as a location uses it; made once per location. */
export interface Protocol {
  /** What clients get of its replies. */
  readonly replies: UpstreamReplies;
  /**
   * Begins a request; called again for each further attempt. The exchange is for this call only: its client may leave before the reply ends.
   * Text instead: why the protocol cannot carry the request (500), for the error log.
   * @param log writes what the program says to the error log
   */
  begin(exchange: Exchange, body: RequestBodySize, log: (text: string) => void): Conversation | string;
}
