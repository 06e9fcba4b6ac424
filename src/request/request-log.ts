/** The logs as requests see them. */
import type { ErrorLog, LogLevel } from "../config/settings/logs.ts";
import type { Exchange } from "../exchange/exchange.ts";

export interface RequestLog {
  /** Whether a message of `level` would be written. Saves composing one that would not. */
  wants(log: ErrorLog, level: LogLevel): boolean;
  error(log: ErrorLog, level: LogLevel, message: string): void;
  /** Writes the line of a request that has ended to each access log of its location. */
  access(exchange: Exchange): void;
}
