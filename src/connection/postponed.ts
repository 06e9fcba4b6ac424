/** Replies that come while another connection is served: each is kept until its own connection has its share of a turn. */
import { discard, type ReplyBody, type WholeReply } from "../exchange/reply.ts";

export interface Postponed {
  /** Sends it, in the connection's share of a turn. */
  send(): void;
  /** It is not sent after all: gives back what it holds. */
  discard(): void;
}

/** A reply with this body that `send` will send. */
export const postponed = (body: ReplyBody, send: () => void): Postponed => ({ send, discard: () => discard(body) });

/** A kept reply, and what follows it. Its bytes do not change while they wait. */
export function postponedWhole(reply: WholeReply, rest: ReplyBody, send: () => void): Postponed {
  reply.holders++;
  return {
    send() {
      reply.holders--;
      send();
    },
    discard() {
      reply.holders--;
      discard(rest);
    },
  };
}
