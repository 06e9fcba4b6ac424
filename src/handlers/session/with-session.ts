/** `session on`: whoever asks has a session before the location's handler is asked. */

import type { Exchange } from "../../exchange/exchange.ts";
import type { BodySink, Handler } from "../../exchange/handler.ts";
import { Wrapper } from "../wrapper.ts";
import type { SessionStore } from "./store.ts";
import { openSession } from "./visitor.ts";

export class WithSession extends Wrapper {
  constructor(
    inner: Handler,
    private readonly store: SessionStore,
  ) {
    super(inner);
  }

  override sink(exchange: Exchange): BodySink | undefined {
    openSession(exchange, this.store);
    return super.sink(exchange);
  }

  override handle(exchange: Exchange): void {
    openSession(exchange, this.store);
    super.handle(exchange);
  }
}
