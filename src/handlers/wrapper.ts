/** A handler around another. Whoever extends it answers some requests itself, or asks something first, and leaves the rest. */

import type { Exchange } from "../exchange/exchange.ts";
import type { BodySink, Handler } from "../exchange/handler.ts";
import type { Field } from "../exchange/reply.ts";

export class Wrapper implements Handler {
  constructor(protected readonly inner: Handler) {}

  start(): void {
    this.inner.start?.();
  }

  optionsFields(exchange: Exchange): readonly Field[] {
    return this.inner.optionsFields?.(exchange) ?? [];
  }

  takes(exchange: Exchange): boolean {
    return this.inner.takes?.(exchange) ?? false;
  }

  sink(exchange: Exchange): BodySink | undefined {
    return this.inner.sink?.(exchange);
  }

  handle(exchange: Exchange): void {
    this.inner.handle(exchange);
  }

  sweep(): void {
    this.inner.sweep?.();
  }

  close(): void {
    this.inner.close?.();
  }
}
