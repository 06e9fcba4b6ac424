/** Sees the steps of rewrite programs that requests take. Routes report to one only if they are made for it (`webserv explain`). */
import type { RewriteStep } from "../../config/settings/rewrite.ts";
import type { Exchange } from "../../exchange/exchange.ts";

export interface StepObserver {
  /** An `if` was decided; undefined: it could not be. */
  tested(step: RewriteStep, exchange: Exchange, holds: boolean | undefined): void;
  /** Another step was taken. `matched`: of a `rewrite`, whether its expression did. */
  taken(step: RewriteStep, exchange: Exchange, matched: boolean): void;
}
