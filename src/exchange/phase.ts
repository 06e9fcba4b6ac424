/**
 * Phases run before a request's content handler (nginx's rewrite and access phases). Each location has a list of phases, made
 * once from the configuration. All of them have decided before a byte of the request's body is read.
 */
import type { Exchange } from "./exchange.ts";
import type { Answer } from "./handler.ts";

/** Continue with the next phase. */
export const GO_ON = 0;
/** The phase has replied, failed or redirected the request; no other phase runs. */
export const ANSWERED = 1;
/**
 * The phase needs time. The request waits without a time limit, its body unread, until the phase calls `exchange.proceed()` or
 * answers. A phase that must know when the client leaves sets `exchange.onGone`; after that call it must not use the exchange.
 */
export const LATER = 2;

/** An Answer answers in place of the location's contents, without the remaining phases. */
export type Verdict = typeof GO_ON | typeof ANSWERED | typeof LATER | Answer;

/** Decides about a request. After an internal redirect, the phases of the new location run, as in nginx. */
export type Phase = (exchange: Exchange) => Verdict;

/** Gives a phase, as its function's name, the name of the directive that it is of: `webserv explain` shows it. */
export const named = (name: string, phase: Phase): Phase => Object.defineProperty(phase, "name", { value: name });
