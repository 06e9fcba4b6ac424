/** Answers the requests of a location with `*_pass`: passes them to a group of servers, and their replies back. */
import type { Settings } from "../../config/model.ts";
import type { Exchange } from "../../exchange/exchange.ts";
import type { BodySink, Handler } from "../../exchange/handler.ts";
import { UpstreamFacts } from "../../exchange/upstream.ts";
import { LocationCache } from "../cache/location-cache.ts";
import type { CacheTurn } from "../cache/turn.ts";
import { BodyBuffer } from "../relay/body-buffer.ts";
import { CompleteBody } from "../relay/complete-body.ts";
import { RelayLog } from "../relay/log.ts";
import { Relay } from "../relay/relay.ts";
import { NO_BODY, type RequestBody, StreamedBody } from "../relay/request-body.ts";
import { Spool } from "../relay/spool.ts";
import type { HandlerServices } from "../services.ts";
import { CacheHook } from "./cache-hook.ts";
import { protocolOf, schemeOf } from "./protocols.ts";
import { type Passing, UpstreamSource } from "./source.ts";
import { Targets } from "./targets.ts";
import { PassTls } from "./upstream-tls.ts";

export class GatewayHandler implements Handler {
  private readonly passing: Passing;
  private readonly cache: LocationCache | null;
  private readonly tls: PassTls;
  private readonly passesBody: boolean;
  /** A body of unknown length can be passed on while it comes. */
  private readonly framesBodies: boolean;

  constructor(
    settings: Settings,
    private readonly services: HandlerServices,
  ) {
    const pass = settings.pass!;
    const family = settings[pass.family];
    const { setBody, httpVersion } = settings.proxyOnly;
    this.passesBody = family.passRequestBody && !(pass.family === "proxy" && setBody !== null);
    this.framesBodies = pass.family === "fastcgi" || (pass.family === "proxy" && httpVersion === "1.1");
    this.tls = new PassTls(settings, services);
    this.passing = {
      targets: new Targets(settings, services),
      protocol: protocolOf(settings, services),
      settings: family,
      scheme: schemeOf(pass),
      tlsFor: (exchange) => this.tls.for(exchange),
    };
    this.cache = family.cache.zone === null ? null : this.cacheOf(settings, this.passing);
  }

  private cacheOf(settings: Settings, { protocol, settings: family }: Passing): LocationCache {
    const { replies } = protocol;
    return new LocationCache(settings, family, this.services, (exchange, head) => replies.fieldsOf(exchange, head));
  }

  close(): void {
    this.tls.close();
  }

  sink(exchange: Exchange): BodySink | undefined {
    const { services } = this;
    const { clientBodyInFileOnly } = exchange.settings;
    const inFile = clientBodyInFileOnly !== "off";
    if (!this.passesBody && !inFile) return undefined;
    const { chunked, contentLength } = exchange.request;
    if (this.passesBody && !this.passing.settings.requestBuffering && (!chunked || this.framesBodies)) {
      const body = new StreamedBody(new BodyBuffer(services.buffers), true, 0);
      return this.relay(exchange, chunked ? -1 : contentLength, body);
    }
    const begin = ({ memory, fd, length, fileName }: Spool): void => {
      const passed = this.passesBody ? length : 0;
      const removed = clientBodyInFileOnly === "clean" ? fileName : "";
      this.relay(exchange, passed, new CompleteBody(services, memory, fd, passed, removed));
    };
    return new Spool(exchange, services.buffers, begin, inFile);
  }

  /** There is no body, or it is not passed on. Requests with one do not ask the cache. */
  handle(exchange: Exchange): void {
    exchange.upstream ??= new UpstreamFacts();
    if (this.cache === null) this.pass(exchange, null);
    else this.cache.begin(exchange, (turn) => this.pass(exchange, turn));
  }

  private pass(exchange: Exchange, turn: CacheTurn | null): void {
    this.relay(exchange, 0, NO_BODY, turn);
  }

  private relay(exchange: Exchange, length: number, body: RequestBody, turn: CacheTurn | null = null): Relay {
    const { services, passing } = this;
    (exchange.upstream ??= new UpstreamFacts()).begin(turn);
    exchange.endsWithClient = !passing.settings.ignoreClientAbort;
    const log = new RelayLog(exchange, services, "");
    const source = new UpstreamSource(exchange, services, passing, length, log);
    const hook = turn === null ? null : new CacheHook(turn, source);
    const relay = new Relay(exchange, services, source, source, body, log, passing.settings, hook);
    relay.begin();
    return relay;
  }
}
