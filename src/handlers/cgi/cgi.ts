/** CGI (RFC 3875): runs the script that a path leads to; whatever is no script goes to the location's other handler. */
import { octets } from "../../http/octets.ts";
import type { BodySink, Exchange, Handler, Services } from "../handler.ts";
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

  constructor(services: Services, inner: Handler) {
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
    if (!exchange.request.chunked) return run(exchange, script, exchange.request.contentLength, null);
    // CONTENT_LENGTH must be true, so the script has to wait until the body's length is known.
    return new Spool(exchange, ({ length, memory, fd }) => void run(exchange, script, length, memory ?? fd));
  }

  override handle(exchange: Exchange): void {
    const script = this.finder.find(exchange);
    if (script === null) super.handle(exchange);
    else if (typeof script === "number") exchange.fail(script);
    else run(exchange, script, -1, NO_BODY);
  }

  override close(): void {
    this.finder.close();
    super.close();
  }
}

function run(exchange: Exchange, script: Script, contentLength: number, body: Buffer | number | null): Run {
  const { settings } = exchange;
  return new Run(exchange, {
    ...command(script, settings.cgiLimit),
    environment: environment(exchange, script, contentLength),
    folder: octets(script.folder),
    timeout: settings.cgiTimeout,
    filename: script.filename,
    raw: /\/nph-[^/]*$/.test(script.filename),
    body,
  });
}
