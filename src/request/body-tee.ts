/** Passes a request's body to the sink of its handler, and what that has taken to a watcher (`mirror`). */
import type { Block } from "../../ffi/memory.ts";
import type { BodyWatcher } from "../exchange/exchange.ts";
import type { BodySink } from "../exchange/handler.ts";

/** @param sink undefined: the body is discarded */
export function tee(sink: BodySink | undefined, watcher: BodyWatcher): BodySink {
  return {
    answers: sink?.answers ?? false,
    fileStart: sink?.fileStart ?? 0,
    accept(block: Block, start: number, end: number): number {
      const taken = sink === undefined ? end - start : sink.accept(block, start, end);
      if (taken > 0) watcher.accept(block, start, start + taken);
      return taken;
    },
    end(): void {
      watcher.end();
      sink?.end();
    },
    abort(): void {
      watcher.abort();
      sink?.abort();
    },
  };
}
