/** The generations that live: the current one, and those before it that still have requests in progress. */
import type { Config } from "../config/model.ts";
import type { Handler } from "../exchange/handler.ts";
import { Generation } from "./generation.ts";
import type { Logs } from "./logs/logs.ts";
import type { ServerServices } from "./services.ts";

export class Generations {
  current: Generation;
  private readonly draining = new Set<Generation>();

  /** @param failed is told what a handler throws that starts or ends: the others do so all the same */
  constructor(
    first: Config,
    private readonly services: ServerServices,
    private readonly logs: Logs,
    private readonly failed: (error: unknown) => void,
  ) {
    this.current = this.make(first);
  }

  /** Makes a generation, to be adopted or discarded. */
  make(config: Config): Generation {
    return new Generation(config, this.services, (generation) => this.end(generation));
  }

  /** `next` is in force from now on. The one before is the caller's to release, once no new request begins in it. */
  adopt(next: Generation): void {
    if (this.current !== next) this.draining.add(this.current);
    this.current = next;
    this.keepWhatIsUsed();
    this.services.sessions.start();
    this.call(next, (handler) => handler.start?.());
  }

  /** A generation that was made and is not to be in force after all. */
  discard(generation: Generation): void {
    this.call(generation, (handler) => handler.close?.());
    this.keepWhatIsUsed();
  }

  /** Every handler that may be asked: once per location and generation. */
  *handlers(): Iterable<Handler> {
    yield* this.current.handlers();
    for (const generation of this.draining) yield* generation.handlers();
  }

  /** Gives up what idle handlers need no longer. */
  sweep(): void {
    for (const generation of this.living) this.call(generation, (handler) => handler.sweep?.());
  }

  /** The server ends, and all of them with it. */
  close(): void {
    for (const generation of this.living) this.call(generation, (handler) => handler.close?.());
  }

  private get living(): Generation[] {
    return [this.current, ...this.draining];
  }

  private end(generation: Generation): void {
    if (!this.draining.delete(generation)) return;
    this.discard(generation);
  }

  /** Logs and session stores outlive a generation where another one uses them. */
  private keepWhatIsUsed(): void {
    this.logs.keep(this.living.map(({ config }) => config));
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
