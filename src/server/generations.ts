/** The living generations: the current one, and earlier ones that still have requests in progress. */
import type { Config } from "../config/model.ts";
import type { Handler } from "../exchange/handler.ts";
import { Generation } from "./generation.ts";
import type { Logs } from "./logs/logs.ts";
import type { ServerServices } from "./services.ts";
import type { Tls } from "./tls.ts";

export class Generations {
  current: Generation;
  private readonly draining = new Set<Generation>();

  /** @param failed receives what a handler throws while it starts or ends; the other handlers go on */
  constructor(
    first: Config,
    private readonly services: ServerServices,
    private readonly tls: Tls,
    private readonly logs: Logs,
    private readonly failed: (error: unknown) => void,
  ) {
    this.current = this.make(first);
  }

  /** Makes a generation; the caller then adopts or discards it. */
  make(config: Config): Generation {
    return new Generation(config, this.services, this.tls, (generation) => this.end(generation));
  }

  /** Makes `next` the current one. The caller releases the previous one when no new request can begin in it. */
  adopt(next: Generation): void {
    if (this.current !== next) this.draining.add(this.current);
    this.current = next;
    this.keepWhatIsUsed();
    this.services.sessions.start();
    this.services.caches.adopt(next.config);
    this.services.upstreams.adopt(next.upstreams);
    this.call(next, (handler) => handler.start?.());
  }

  /** Ends a generation that was made but will not be used. */
  discard(generation: Generation): void {
    this.call(generation, (handler) => handler.close?.());
    generation.upstreams.close();
    generation.closeTls();
    this.keepWhatIsUsed();
  }

  /** Every handler that may still be called, once per location and generation. */
  *handlers(): Iterable<Handler> {
    yield* this.current.handlers();
    for (const generation of this.draining) yield* generation.handlers();
  }

  /** Releases what idle handlers no longer need. */
  sweep(): void {
    this.services.caches.sweep();
    for (const generation of this.living) this.call(generation, (handler) => handler.sweep?.());
  }

  /** Ends all generations when the server ends. */
  close(): void {
    this.services.caches.close();
    for (const generation of this.living) {
      this.call(generation, (handler) => handler.close?.());
      generation.upstreams.close();
      generation.closeTls();
    }
  }

  private get living(): Generation[] {
    return [this.current, ...this.draining];
  }

  private end(generation: Generation): void {
    if (!this.draining.delete(generation)) return;
    this.discard(generation);
  }

  /** Keeps the logs and session stores that some living generation uses; closes the others. */
  private keepWhatIsUsed(): void {
    const configs = this.living.map(({ config }) => config);
    this.logs.keep(configs);
    this.services.limits.keep(configs);
    const draining = [...this.draining].flatMap((generation) => [...generation.sessionUses()]);
    this.services.sessions.keep(this.current.sessionUses(), draining);
  }

  private call(generation: Generation, what: (handler: Handler) => void): void {
    for (const handler of generation.handlers()) {
      try {
        what(handler);
      } catch (error) {
        this.failed(error);
      }
    }
  }
}
