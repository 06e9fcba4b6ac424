/** CGI (RFC 3875): runs the script that a path leads to. */

import type { Exchange } from "../../exchange/exchange.ts";
import { type Answer, type BodySink, type Handler, MOVED } from "../../exchange/handler.ts";
import { Spool } from "../relay/spool.ts";
import type { HandlerServices } from "../services.ts";
import { runWithBody, runWithCompleteBody, runWithoutBody } from "./run.ts";
import { type Script, ScriptFinder } from "./script.ts";

export class CgiHandler implements Handler {
  private readonly finder: ScriptFinder;

  constructor(private readonly services: HandlerServices) {
    this.finder = new ScriptFinder(services);
  }

  /** The script that a request is for. */
  isFor(exchange: Exchange): boolean {
    return this.finder.find(exchange) !== null;
  }

  claim(exchange: Exchange): Answer | null {
    const script = this.finder.find(exchange);
    if (script === null) return null;
    if (typeof script !== "number") return new Program(this.services, script);
    exchange.fail(script);
    return MOVED;
  }

  /** Never called: a Program answers what this claims. */
  handle(exchange: Exchange): void {
    exchange.fail(500);
  }

  close(): void {
    this.finder.close();
  }
}

/** The script that answers one request. */
class Program implements Answer {
  constructor(
    private readonly services: HandlerServices,
    private readonly script: Script,
  ) {}

  sink(exchange: Exchange): BodySink | undefined {
    const { services, script } = this;
    if (!exchange.request.chunked) return runWithBody(exchange, services, script);
    // CONTENT_LENGTH must be true, so the script has to wait until the body's length is known.
    return new Spool(exchange, services.buffers, (spool) =>
      runWithCompleteBody(exchange, services, script, spool.length, spool),
    );
  }

  handle(exchange: Exchange): void {
    runWithoutBody(exchange, this.services, this.script); // the request may have had a body before an internal redirect
  }
}
