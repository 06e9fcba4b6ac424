/** Where requests leave their lines. */
import type { ErrorLog, LogLevel } from "../config/parts.ts";
import type { Exchange } from "../exchange/exchange.ts";

export interface RequestLog {
  /** Whether a message of `level` would be written: ask before composing a costly one. */
  wants(log: ErrorLog, level: LogLevel): boolean;
  error(log: ErrorLog, level: LogLevel, message: string): void;
  /** One line for a request that has ended, in each access log of its location. */
  access(exchange: Exchange): void;
}
