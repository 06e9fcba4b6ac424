/** The handlers of `dav_methods` and `dav_ext_methods` in a location. */
import type { Exchange } from "../../exchange/exchange.ts";
import type { BodySink, Handler } from "../../exchange/handler.ts";
import type { XmlElement } from "../../http/xml/reader.ts";
import { namedMethods } from "../../routing/answering.ts";
import { copy } from "./changes/copy.ts";
import { remove } from "./changes/delete.ts";
import { makeCollection } from "./changes/mkcol.ts";
import { move } from "./changes/move.ts";
import { sinkOfPut } from "./changes/put.ts";
import type { DavLocation } from "./location.ts";
import { lock, unlock } from "./locks/lock.ts";
import { findProperties } from "./properties/propfind.ts";
import { changeProperties } from "./properties/proppatch.ts";
import { XmlBody } from "./xml-body.ts";

/** Answers the methods that change files (ngx_http_dav_module). */
export class DavHandler implements Handler {
  private readonly methods: readonly string[];

  constructor(private readonly dav: DavLocation) {
    this.methods = namedMethods("dav_methods", dav.settings)!;
  }

  start(): void {
    this.dav.start();
  }

  /** Takes no request that was redirected to an error page, so that the page of a failed PUT is not stored. */
  claim({ method, errorStatus }: Exchange): this | null {
    return errorStatus === 0 && this.methods.includes(method) ? this : null;
  }

  sink(exchange: Exchange): BodySink | undefined {
    if (exchange.method === "PUT") return sinkOfPut(exchange, this.dav);
    exchange.log("info", `${exchange.method} with body is unsupported`);
    exchange.fail(415);
    return undefined;
  }

  handle(exchange: Exchange): void {
    const { dav } = this;
    switch (exchange.method) {
      case "PUT":
        return this.putWithoutBody(exchange);
      case "DELETE":
        return remove(exchange, dav);
      case "MKCOL":
        return makeCollection(exchange, dav);
      case "COPY":
        return copy(exchange, dav);
      default:
        return move(exchange, dav);
    }
  }

  close(): void {
    this.dav.close();
  }

  private putWithoutBody(exchange: Exchange): void {
    if (!exchange.request.hasBody) return sinkOfPut(exchange, this.dav)?.end();
    exchange.log("error", "the body of a PUT was discarded by the location it was sent to");
    exchange.fail(500);
  }
}

/** Answers the methods of file managers (nginx-dav-ext-module). */
export class DavExtHandler implements Handler {
  private readonly methods: readonly string[];

  /** @param allow the value of Allow */
  constructor(
    private readonly dav: DavLocation,
    private readonly allow: string,
  ) {
    this.methods = namedMethods("dav_ext_methods", dav.settings)!;
  }

  claim({ method, errorStatus }: Exchange): this | null {
    return errorStatus === 0 && this.methods.includes(method) ? this : null;
  }

  sink(exchange: Exchange): BodySink | undefined {
    const { method } = exchange;
    if (method === "OPTIONS" || method === "UNLOCK") return undefined; // the body is discarded
    return new XmlBody(exchange, (document) => this.answer(exchange, document));
  }

  handle(exchange: Exchange): void {
    const { method } = exchange;
    if (method === "OPTIONS") this.tell(exchange);
    else if (method === "UNLOCK") unlock(exchange, this.dav);
    else this.answer(exchange, null);
  }

  sweep(): void {
    this.dav.locks?.sweep(this.dav.services.clock.now);
  }

  close(): void {
    this.dav.close();
  }

  private answer(exchange: Exchange, document: XmlElement | null): void {
    if (exchange.method === "PROPFIND") findProperties(exchange, this.dav, document);
    else if (exchange.method === "PROPPATCH") changeProperties(exchange, this.dav, document);
    else lock(exchange, this.dav, document);
  }

  /** OPTIONS: the classes of WebDAV (RFC 4918 §18). Windows asks for MS-Author-Via. */
  private tell(exchange: Exchange): void {
    const classes = this.dav.locks === null ? "1" : "1, 2";
    exchange.reply(
      200,
      [
        ["DAV", classes],
        ["MS-Author-Via", "DAV"],
        ["Allow", this.allow],
      ],
      null,
    );
  }
}
