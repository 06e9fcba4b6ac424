/**
 * A file in a coding. It is compressed once, in steps over several turns of the loop, and all clients that ask for it read it
 * meanwhile: the first bytes are sent at once, and many requests for the same file cost one compression.
 */
import { ERRNO } from "../../../ffi/errno.ts";
import type { Block } from "../../../ffi/memory.ts";
import type { Encoded, StreamBody } from "../../exchange/reply.ts";
import type { Reactor, Unfinished } from "../../network/reactor.ts";
import { type Compressor, END, MORE } from "./compressor.ts";
import type { Method } from "./method.ts";
import type { Source } from "./sources.ts";
import type { CompressionWork } from "./work.ts";

/** Where compressed bytes go first. */
const OUTPUT = 64 * 1024;

export class FileForm implements Encoded, Unfinished {
  bytesIn = 0;
  bytesOut = 0;
  /** All compressed bytes, when it is complete; null before, or if it failed. */
  body: Buffer | null = null;
  failed = false;
  private parts: Buffer[] = [];
  private readonly readers = new Set<() => void>();
  private queued = false;

  /** @param whenDone called once, when it is complete or has failed */
  constructor(
    private readonly source: Source,
    private readonly compressor: Compressor,
    private readonly method: Method,
    private readonly work: CompressionWork,
    private readonly reactor: Reactor,
    private readonly whenDone: () => void,
  ) {}

  get coding() {
    return this.method.coding;
  }

  get done(): boolean {
    return this.failed || this.body !== null;
  }

  /** Does as many steps as this turn allows; asks for the next turn if more are left. */
  advance(): void {
    while (!this.done) {
      if (!this.work.mayStep(this, this.method)) return this.askAgain();
      this.step();
    }
  }

  onTurn(): void {
    this.queued = false;
    this.advance();
    const readers = [...this.readers];
    this.readers.clear();
    for (const wake of readers) wake();
  }

  /** A reply body: first the bytes that are there, then the rest as it is compressed. @param wake called when there is more */
  reader(wake: () => void): StreamBody {
    return new FormReader(this, this.parts, wake);
  }

  /** Calls `wake` once, when there is more. */
  awaitMore(wake: () => void): void {
    this.readers.add(wake);
  }

  leave(wake: () => void): void {
    this.readers.delete(wake);
  }

  private askAgain(): void {
    if (!this.queued) this.reactor.again(this);
    this.queued = true;
  }

  private step(): void {
    const { scratch } = this.work;
    const n = this.source.read(scratch, 0, this.method.slice);
    if (n < 0) return this.finish(null);
    const output = Buffer.allocUnsafe(OUTPUT);
    for (let at = 0; ; ) {
      const before = this.compressor.bytesOut;
      at += this.compressor.run(scratch.bytes, at, Math.max(0, n), output, 0, OUTPUT, n === 0 ? END : MORE);
      const written = this.compressor.bytesOut - before;
      if (written > 0) this.parts.push(Buffer.from(output.subarray(0, written)));
      if (!this.compressor.full) break;
    }
    this.bytesIn = this.compressor.bytesIn;
    this.bytesOut = this.compressor.bytesOut;
    if (n === 0) this.finish(Buffer.concat(this.parts));
  }

  private finish(body: Buffer | null): void {
    this.body = body;
    this.failed = body === null;
    this.source.close();
    this.work.close(this.compressor, this.method);
    this.work.leave(this);
    this.parts = []; // readers in progress keep their reference
    this.whenDone();
  }
}

class FormReader implements StreamBody {
  readonly kind = "stream";
  readonly length = -1;
  private index = 0;
  private position = 0;

  constructor(
    private readonly form: FileForm,
    private readonly parts: readonly Buffer[],
    private readonly wake: () => void,
  ) {}

  read(block: Block, offset: number, length: number): number {
    const part = this.parts[this.index];
    if (part === undefined) return this.pause();
    const n = part.copy(block.bytes, offset, this.position, Math.min(part.length, this.position + length));
    this.position += n;
    if (this.position === part.length) {
      this.index++;
      this.position = 0;
    }
    return n;
  }

  private pause(): number {
    if (this.form.failed) return -ERRNO.EIO;
    if (this.form.done) return 0;
    this.form.awaitMore(this.wake);
    return -ERRNO.EAGAIN;
  }

  close(): void {
    this.form.leave(this.wake);
  }
}
