/** What the error log learns of one source of a reply, also after its request is over. */
import type { ErrorLog } from "../../config/parts.ts";
import type { Exchange } from "../../exchange/exchange.ts";
import type { Services } from "../../exchange/services.ts";

export class RelayLog {
  /** null when the request is over, for exchanges are used again. */
  private exchange: Exchange | null;
  private readonly connection: number;
  private readonly client: string;
  private readonly errorLog: ErrorLog;
  /** The log has a line with this request. */
  private complained = false;

  /** @param name of the source in every line: `script "/path"` */
  constructor(
    exchange: Exchange,
    private readonly services: Services,
    private readonly name: string,
  ) {
    this.exchange = exchange;
    this.connection = exchange.connection.number;
    this.client = exchange.connection.remoteAddress;
    this.errorLog = exchange.settings.errorLog;
  }

  /** The request failed for `reason`. */
  failure(reason: string): void {
    this.exchange?.log("error", `${this.name} ${reason}`);
  }

  /** A line by the source or about it. Only the first has the request as well: a flood of them would be a flood of that. */
  line(text: string): void {
    const message = `${this.name}: ${text}`;
    if (this.exchange !== null) this.exchange.log("error", message, this.complained);
    else this.services.log("error", `*${this.connection} ${message}, client: ${this.client}`, this.errorLog);
    this.complained = true;
  }

  /** The request is over: lines name its client from now on. */
  forgetRequest(): void {
    this.exchange = null;
  }
}
