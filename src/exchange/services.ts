/** What requests and handlers need of their server. */
import type { Kernel } from "../../ffi/kernel.ts";
import type { ErrorLog, LogLevel } from "../config/parts.ts";
import type { Reactor } from "../network/reactor.ts";

/** What a server lends to everything that answers its requests. */
export interface Services {
  readonly kernel: Kernel;
  readonly clock: Clock;
  /** Where pipes and processes are waited for. */
  readonly reactor: Reactor;
  /** The server's own environment, of which scripts get what `cgi_pass_env` names. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** The Server field's value where `server_tokens` is on: `webserv/VERSION`. */
  readonly serverToken: string;
  /** `bytes` (at most 64) random bytes (getrandom) as hexadecimal digits. */
  randomHex(bytes: number): string;
  /** Messages that belong to no request, or to one that is over: those go where its location's go (`to`). */
  log(level: LogLevel, message: string, to?: ErrorLog): void;
}

/** The time as of the start of the loop's turn. */
export interface Clock {
  /** Monotonic ms. */
  readonly now: number;
  /** Number of the turn: what was looked at in this one is true for all of it. */
  readonly turn: number;
  /** Whole seconds since 1970. */
  readonly second: number;
  /** The second as an IMF-fixdate of 29 bytes. */
  readonly date: string;
}
