/** CGI (RFC 3875): runs the script that a path leads to; whatever is no script goes to the location's other handler. */

import type { Exchange } from "../../exchange/exchange.ts";
import type { BodySink, Handler } from "../../exchange/handler.ts";
import { octets } from "../../http/octets.ts";
import type { HandlerServices } from "../services.ts";
import { Wrapper } from "../wrapper.ts";
import { environment } from "./environment.ts";
import { command } from "./limits.ts";
import { Run } from "./run.ts";
import { type Script, ScriptFinder } from "./script.ts";
import { Spool } from "./spool.ts";

/** Whatever body the request once had, this script gets none of it. */
const NO_BODY = Buffer.alloc(0);

export class CgiHandler extends Wrapper {
  private readonly finder: ScriptFinder;

  constructor(
    private readonly services: HandlerServices,
    inner: Handler,
  ) {
    super(inner);
    this.finder = new ScriptFinder(services);
  }

  /** Whether a request is one for a script. */
  isFor(exchange: Exchange): boolean {
    return this.finder.find(exchange) !== null;
  }

  override sink(exchange: Exchange): BodySink | undefined {
    const script = this.finder.find(exchange);
    if (script === null) return super.sink(exchange);
    if (typeof script === "number") {
      exchange.fail(script);
      return undefined;
    }
    if (!exchange.request.chunked) return run(exchange, this.services, script, exchange.request.contentLength, null);
    // CONTENT_LENGTH must be true, so the script has to wait until the body's length is known.
    return new Spool(
      exchange,
      ({ length, memory, fd }) => void run(exchange, this.services, script, length, memory ?? fd),
    );
  }

  override handle(exchange: Exchange): void {
    const script = this.finder.find(exchange);
    if (script === null) super.handle(exchange);
    else if (typeof script === "number") exchange.fail(script);
    else run(exchange, this.services, script, -1, NO_BODY);
  }

  override close(): void {
    this.finder.close();
    super.close();
  }
}

function run(
  exchange: Exchange,
  services: HandlerServices,
  script: Script,
  contentLength: number,
  body: Buffer | number | null,
): Run {
  const { settings } = exchange;
  return new Run(exchange, services, {
    ...command(script, settings.cgiLimit),
    environment: environment(exchange, script, contentLength),
    folder: octets(script.folder),
    timeout: settings.cgiTimeout,
    filename: script.filename,
    raw: /\/nph-[^/]*$/.test(script.filename),
    body,
  });
}
