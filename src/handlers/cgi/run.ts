/** Runs the script of a request: connects a relay, the script as its source, and the parser of its output. */
import type { Exchange } from "../../exchange/exchange.ts";
import { octets } from "../../http/octets.ts";
import { BodyBuffer } from "../relay/body-buffer.ts";
import { CompleteBody } from "../relay/complete-body.ts";
import { RelayLog } from "../relay/log.ts";
import { Relay } from "../relay/relay.ts";
import { NO_BODY, type RequestBody, StreamedBody } from "../relay/request-body.ts";
import type { HandlerServices } from "../services.ts";
import { environment } from "./environment.ts";
import { command } from "./limits.ts";
import { ScriptReply } from "./reply.ts";
import type { Script } from "./script.ts";
import { ScriptSource } from "./source.ts";

/** A body that is complete before its script starts: in memory, or in a file (`fd`; else -1). The receiver owns both. */
interface CollectedBody {
  readonly memory: BodyBuffer;
  readonly fd: number;
}

/** Answers a request without a body, or whose body is not for the script. */
export function runWithoutBody(exchange: Exchange, services: HandlerServices, script: Script): void {
  relayTo(exchange, services, script, -1, NO_BODY, null).begin();
}

/** Answers a request with Content-Length. Returns the sink for its body. */
export function runWithBody(exchange: Exchange, services: HandlerServices, script: Script): Relay {
  const length = exchange.request.contentLength;
  const { clientBodyBufferSize } = exchange.settings;
  // A small body is complete before the script starts.
  const most = length <= clientBodyBufferSize ? Number.POSITIVE_INFINITY : clientBodyBufferSize;
  const body = new StreamedBody(new BodyBuffer(services.buffers), true, most);
  const relay = relayTo(exchange, services, script, length, body, null);
  relay.begin();
  return relay;
}

/** Answers a request whose body of `length` bytes has been collected. */
export function runWithCompleteBody(
  exchange: Exchange,
  services: HandlerServices,
  script: Script,
  length: number,
  { memory, fd }: CollectedBody,
): void {
  const body = new CompleteBody(services, memory, -1, fd < 0 ? length : 0);
  relayTo(exchange, services, script, length, body, fd < 0 ? null : fd).begin();
}

function relayTo(
  exchange: Exchange,
  services: HandlerServices,
  script: Script,
  length: number,
  body: RequestBody,
  stdin: number | null,
): Relay {
  const { settings } = exchange;
  const job = {
    ...command(script, settings.cgiLimit),
    environment: environment(exchange, script, length),
    folder: octets(script.folder),
    timeout: settings.cgiTimeout,
    limits: settings,
    stdin,
  };
  const log = new RelayLog(exchange, services, `script "${script.filename}"`);
  const source = new ScriptSource(services, job, log);
  const isRaw = /\/nph-[^/]*$/.test(script.filename);
  return new Relay(exchange, services, source, isRaw ? null : new ScriptReply(services), body, log);
}
