/** Replies given while another connection is being served. Each is kept until its own connection is served. */
import { discard, type ReplyBody, type WholeReply } from "../exchange/reply.ts";

export interface Postponed {
  /** Sends it. Called while its connection is being served. */
  send(): void;
  /** Gives back what it holds, unsent. */
  discard(): void;
}

/** A reply that `send` sends; `body` is discarded if it is not sent. */
export const postponed = (body: ReplyBody, send: () => void): Postponed => ({ send, discard: () => discard(body) });

/** A kept reply and the body that follows it. `holders` keeps its bytes from being changed while they wait. */
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
