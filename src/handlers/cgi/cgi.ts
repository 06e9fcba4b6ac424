/** CGI (RFC 3875): runs the script that a path leads to; whatever is no script goes to the location's other handler. */

import type { Exchange } from "../../exchange/exchange.ts";
import type { BodySink, Handler } from "../../exchange/handler.ts";
import { Spool } from "../relay/spool.ts";
import type { HandlerServices } from "../services.ts";
import { Wrapper } from "../wrapper.ts";
import { runWithBody, runWithCompleteBody, runWithoutBody } from "./run.ts";
import { ScriptFinder } from "./script.ts";

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
    const { services } = this;
    if (!exchange.request.chunked) return runWithBody(exchange, services, script);
    // CONTENT_LENGTH must be true, so the script has to wait until the body's length is known.
    return new Spool(exchange, services.buffers, (spool) =>
      runWithCompleteBody(exchange, services, script, spool.length, spool),
    );
  }

  override handle(exchange: Exchange): void {
    const script = this.finder.find(exchange);
    if (script === null) super.handle(exchange);
    else if (typeof script === "number") exchange.fail(script);
    else runWithoutBody(exchange, this.services, script); // whatever body the request once had
  }

  override close(): void {
    this.finder.close();
    super.close();
  }
}
