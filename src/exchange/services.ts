/** What requests and handlers use of their server. */
import type { Kernel } from "../../ffi/kernel.ts";
import type { ErrorLog, LogLevel } from "../config/settings/logs.ts";
import type { Reactor } from "../network/reactor.ts";
import type { Resolver } from "../network/resolver/resolver.ts";
import type { UserIdSequence } from "./facts/user-ids.ts";

/** Services of the server for everything that answers its requests. */
export interface Services {
  readonly kernel: Kernel;
  readonly clock: Clock;
  /** Watches pipes and processes. */
  readonly reactor: Reactor;
  /** Looks up names while the server runs, with the `resolver` of a location or an upstream. */
  readonly resolver: Resolver;
  /** Counts the connections now, which takes a look at each. */
  readonly connections: { counts(): ConnectionCounts };
  /** The server's own environment; scripts get the variables that `cgi_pass_env` names. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Value of the Server field with `server_tokens on`: `webserv/VERSION`. */
  readonly serverToken: string;
  /** Makes the ids of `userid`. */
  readonly userIds: UserIdSequence;
  /** The name of the machine (gethostname) in small letters; "" if it is unknown. */
  readonly hostname: string;
  /** Random bytes (getrandom), at most 64, as hexadecimal digits. */
  randomHex(bytes: number): string;
  /** Logs a message that belongs to no current request. `to`: the error log of the location it concerns; by default the main one. */
  log(level: LogLevel, message: string, to?: ErrorLog): void;
}

/** nginx's figures about connections (`stub_status`, $connections_*). */
export interface ConnectionCounts {
  readonly active: number;
  /** Since the server was started. */
  readonly accepted: number;
  readonly requests: number;
  /** A part of a request's head has come. */
  readonly reading: number;
  /** A request is in progress, or its reply is being sent. */
  readonly writing: number;
  /** No request has begun. */
  readonly waiting: number;
}

/** The time at the start of the loop's turn. */
export interface Clock {
  /** Monotonic ms. */
  readonly now: number;
  /** Number of the turn. What was checked in this turn need not be checked again in it. */
  readonly turn: number;
  /** Whole seconds since 1970. */
  readonly second: number;
  /** The second as an IMF-fixdate of 29 bytes. */
  readonly date: string;
}
