/** Bodies one after the other; each is made when the one before it has ended. */
import type { Block } from "../../../ffi/memory.ts";
import type { StreamBody } from "../../exchange/reply.ts";
import type { Source } from "../compression/sources.ts";

export class Sequence implements StreamBody {
  readonly kind = "stream";
  readonly length = -1;
  private current: Source | null = null;
  private next = 0;

  /** @param parts null: there is none. All that exist already are closed, whether it comes to them or not. */
  constructor(private readonly parts: readonly (Source | (() => Source | null))[]) {}

  read(block: Block, offset: number, length: number): number {
    for (;;) {
      const source = this.current ?? this.begin();
      if (source === null) return 0;
      const n = source.read(block, offset, length);
      if (n !== 0) return n;
      source.close();
      this.current = null;
    }
  }

  private begin(): Source | null {
    while (this.current === null && this.next < this.parts.length) {
      const part = this.parts[this.next++]!;
      this.current = typeof part === "function" ? part() : part;
    }
    return this.current;
  }

  readAhead(): void {
    this.current?.readAhead?.();
  }

  close(): void {
    this.current?.close();
    for (const part of this.parts.slice(this.next)) if (typeof part !== "function") part.close();
    this.current = null;
    this.next = this.parts.length;
  }
}
