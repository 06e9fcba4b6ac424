/** Takes what clients send into the store of a location (`upload_store`); what they want to have is another handler's. */
import type { Location } from "../../config/model.ts";
import type { Exchange } from "../../exchange/exchange.ts";
import type { BodySink, Handler } from "../../exchange/handler.ts";
import type { HandlerServices } from "../services.ts";
import { Wrapper } from "../wrapper.ts";
import { isForm, sinkOfForm } from "./form.ts";
import { sinkOfPost, sinkOfPut } from "./put.ts";
import { Store } from "./store.ts";

/** Answers PUT and POST by itself, everything else by `inner`. */
export class UploadHandler extends Wrapper {
  readonly store: Store;

  constructor({ settings }: Location, services: HandlerServices, inner: Handler) {
    super(inner);
    this.store = new Store(services, settings.upload!.folder, settings.symlinks);
  }

  override start(): void {
    this.store.start();
    super.start();
  }

  override sink(exchange: Exchange): BodySink | undefined {
    return isUpload(exchange) ? this.begin(exchange) : super.sink(exchange);
  }

  override handle(exchange: Exchange): void {
    if (!isUpload(exchange)) return super.handle(exchange);
    if (exchange.request.hasBody) return redirected(exchange);
    this.begin(exchange)?.end();
  }

  override close(): void {
    this.store.close();
    super.close();
  }

  private begin(exchange: Exchange): BodySink | undefined {
    if (exchange.method === "PATCH") return refusePatch(exchange);
    if (exchange.method === "PUT") return sinkOfPut(exchange, this.store);
    return isForm(exchange) ? sinkOfForm(exchange, this.store) : sinkOfPost(exchange, this.store);
  }
}

const METHODS: readonly string[] = ["PUT", "POST", "PATCH"];

/** The page about an upload that failed is shown, not stored. */
const isUpload = ({ method, errorStatus }: Exchange): boolean => METHODS.includes(method) && errorStatus === 0;

/** Only resumable uploads are patched, and those say so (RFC 5789 §2.2, §3.1). */
function refusePatch(exchange: Exchange): undefined {
  exchange.fail(415, [["Accept-Patch", "application/offset+octet-stream"]]);
}

/** A sink that took the body would have answered: it was read before an internal redirect led here. */
function redirected(exchange: Exchange): void {
  exchange.log("error", "the body of an upload was discarded by the location it was sent to");
  exchange.fail(500);
}
