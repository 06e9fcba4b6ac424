/** Stores what clients upload in the store of a location (`upload_store`). */
import type { Exchange } from "../../exchange/exchange.ts";
import type { BodySink, Handler } from "../../exchange/handler.ts";
import { isForm, sinkOfForm } from "./form.ts";
import { sinkOfPost, sinkOfPut } from "./put.ts";
import type { Store } from "./store.ts";

/** Answers PUT, POST and PATCH. */
export class UploadHandler implements Handler {
  constructor(private readonly store: Store) {}

  start(): void {
    this.store.start();
  }

  /** Takes no request that was redirected to an error page, so that the page of a failed upload is not stored. */
  claim({ method, errorStatus }: Exchange): this | null {
    return METHODS.includes(method) && errorStatus === 0 ? this : null;
  }

  sink(exchange: Exchange): BodySink | undefined {
    return this.begin(exchange);
  }

  handle(exchange: Exchange): void {
    if (exchange.request.hasBody) return redirected(exchange);
    this.begin(exchange)?.end();
  }

  close(): void {
    this.store.close();
  }

  private begin(exchange: Exchange): BodySink | undefined {
    if (exchange.method === "PATCH") return refusePatch(exchange);
    if (exchange.method === "PUT") return sinkOfPut(exchange, this.store);
    return isForm(exchange) ? sinkOfForm(exchange, this.store) : sinkOfPost(exchange, this.store);
  }
}

const METHODS: readonly string[] = ["PUT", "POST", "PATCH"];

/** Replies 415: only resumable uploads support PATCH, and their requests have Tus-Resumable (RFC 5789 §2.2, §3.1). */
function refusePatch(exchange: Exchange): undefined {
  exchange.fail(415, [["Accept-Patch", "application/offset+octet-stream"]]);
}

/** Replies 500: another location discarded the body before an internal redirect led here. Otherwise `sink` would have got it. */
function redirected(exchange: Exchange): void {
  exchange.log("error", "the body of an upload was discarded by the location it was sent to");
  exchange.fail(500);
}
