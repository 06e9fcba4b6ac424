/** Writes lines about one source of a reply to the error log, also after its request is over. */
import type { ErrorLog, LogLevel } from "../../config/settings/logs.ts";
import type { ConnectionInfo, Exchange } from "../../exchange/exchange.ts";
import type { Services } from "../../exchange/services.ts";

export class RelayLog {
  /** null when the request is over, because exchanges are reused. */
  private exchange: Exchange | null;
  private readonly connection: ConnectionInfo;
  private readonly errorLog: ErrorLog;
  /** A line with the request was written. */
  private logged = false;

  /** @param name of the source, with which each line begins: `script "/path"` */
  constructor(
    exchange: Exchange,
    private readonly services: Services,
    private readonly name: string,
  ) {
    this.exchange = exchange;
    this.connection = exchange.connection;
    this.errorLog = exchange.settings.errorLog;
  }

  /** The request failed for `reason`. */
  failure(reason: string): void {
    this.exchange?.log("error", this.name === "" ? reason : `${this.name} ${reason}`);
  }

  /** Writes a line about what the relay itself does. */
  note(level: LogLevel, text: string): void {
    if (this.exchange !== null) this.exchange.log(level, text);
    else
      this.services.log(
        level,
        `*${this.connection.number} ${text}, client: ${this.connection.remoteAddress}`,
        this.errorLog,
      );
  }

  /** Writes a line from the source or about it. Only the first one contains the request, so that many lines do not repeat it. */
  line(text: string): void {
    const message = this.name === "" ? text : `${this.name}: ${text}`;
    if (this.exchange !== null) this.exchange.log("error", message, this.logged);
    else
      this.services.log(
        "error",
        `*${this.connection.number} ${message}, client: ${this.connection.remoteAddress}`,
        this.errorLog,
      );
    this.logged = true;
  }

  /** The request is over: further lines name only its client. */
  forgetRequest(): void {
    this.exchange = null;
  }
}
