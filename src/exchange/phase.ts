/**
 * Phases: what is asked about a request before its content is (nginx's rewrite and access phases). Each location has its
 * list, made once from the configuration. All of them have decided before a byte of the request's body is read.
 */
import type { Exchange } from "./exchange.ts";

/** The next phase is asked. */
export const GO_ON = 0;
/** The phase has replied, failed or redirected the request: nothing more is asked here. */
export const ANSWERED = 1;
/**
 * The phase needs time. The request waits without a time limit, its body unread, until the phase calls `exchange.proceed()`
 * or answers. The phase sets `exchange.onGone` if it must know that the client left: after that it may call nothing.
 */
export const LATER = 2;

export type Verdict = typeof GO_ON | typeof ANSWERED | typeof LATER;

/** One question about a request. It is asked again for the new location after an internal redirect, as in nginx. */
export type Phase = (exchange: Exchange) => Verdict;
