/** What a step of a rewrite program is, and what running a program came to. */
import type { Exchange } from "../../exchange/exchange.ts";
import type { Answer } from "../../exchange/handler.ts";

/** Does one step. False: the program ends here. */
export type Step = (exchange: Exchange, run: Run) => boolean;

const failure: Answer = { handle: (exchange) => exchange.fail(500) };

/** One run of a program. */
export class Run {
  /** Answers the request; null: it goes on. */
  answer: Answer | null = null;
  /** The path has changed, so that the location is to be looked up again. */
  changed = false;
  /** Whether groups in values are escaped: as in nginx, until a `rewrite` has matched. */
  quotes = true;
  /** `rewrite_log`. */
  readonly logs: boolean;

  constructor(exchange: Exchange) {
    this.logs = exchange.settings.rewriteLog;
  }

  /** Ends the program with 500. */
  fail(): false {
    this.answer = failure;
    return false;
  }
}
