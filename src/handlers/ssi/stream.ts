/** A reply with SSI while it is sent: texts and included replies, in order. Includes of one piece of the text are asked for at once. */
import { ERRNO } from "../../../ffi/errno.ts";
import type { Block } from "../../../ffi/memory.ts";
import type { Exchange } from "../../exchange/exchange.ts";
import type { Page } from "../../exchange/page.ts";
import type { StreamBody } from "../../exchange/reply.ts";
import type { Source } from "../compression/sources.ts";
import { Included } from "../inclusion/included.ts";
import type { SharedServices } from "../services.ts";
import { Pieces } from "../transform/pieces.ts";
import { Execution, type Inclusion, type Output } from "./execution.ts";
import { DIRECTIVE, MALFORMED, MORE, SsiParser } from "./parser.ts";

/** Bytes of one read of the text. */
const PIECE = 16 * 1024;
/** Most steps in a row that give nothing to send. */
const STEPS = 64;
/** Most included replies that are waited for at once. */
const MOST_AT_ONCE = 16;

interface Rules {
  readonly valueLength: number;
  readonly silent: boolean;
  /** Most bytes of a reply that becomes a variable. */
  readonly outputBufferSize: number;
}

export class SsiStream implements StreamBody, Output {
  readonly kind = "stream";
  readonly length = -1;
  private readonly parser: SsiParser;
  private readonly execution: Execution;
  /** What is to be sent next, in order; of texts the last one may grow. */
  private readonly parts: (Pieces | Part)[] = [];
  private included = 0;
  /** The text behind it is read when it is complete. */
  private awaited: Part | null = null;
  private ended = false;

  constructor(
    private readonly source: Source,
    private readonly exchange: Exchange,
    private readonly page: Page,
    private readonly services: SharedServices,
    private readonly rules: Rules,
  ) {
    this.parser = new SsiParser(rules.valueLength);
    this.execution = new Execution(exchange, page, rules.silent, this);
  }

  read(block: Block, offset: number, length: number): number {
    for (let step = 0; step < STEPS; step++) {
      const [part] = this.parts;
      if (part === undefined && this.ended) return 0;
      const n = part === undefined ? this.advance() : part.read(block, offset, length);
      if (n !== 0) return n;
      if (part !== undefined) this.leave(part);
    }
    return this.pause();
  }

  /** Goes on in the next turn. */
  private pause(): number {
    this.exchange.resume();
    return -ERRNO.EAGAIN;
  }

  private leave(part: Pieces | Part): void {
    this.parts.shift();
    if (part instanceof Pieces) return;
    this.included--;
    if (this.awaited === part) this.awaited = null;
  }

  /** Goes on in the text. 0, or -errno. */
  private advance(): number {
    const { parser, execution, exchange } = this;
    if (this.page.isBusy(exchange.services.clock.turn)) return this.pause();
    while (this.awaited === null && this.included < MOST_AT_ONCE) {
      const outcome = parser.next((bytes) => execution.text(bytes));
      if (outcome === DIRECTIVE) execution.run(parser.command, parser.parameters);
      else if (outcome === MALFORMED) execution.malformed(parser.reason);
      else if (outcome === MORE) return this.parts.length > 0 ? 0 : this.fill();
    }
    return 0;
  }

  /** Reads the next piece of the text. 0, or -errno. */
  private fill(): number {
    const { buffers } = this.services;
    const block = buffers.take(PIECE);
    const n = this.source.read(block, 0, PIECE);
    if (n > 0) this.parser.feed(Buffer.from(block.bytes.subarray(0, n)));
    buffers.release(block);
    if (n === 0) {
      this.ended = true;
      this.execution.text(this.parser.rest());
    }
    return Math.min(n, 0);
  }

  // Output

  text(bytes: Buffer): void {
    let last = this.parts.at(-1);
    if (!(last instanceof Pieces)) this.parts.push((last = new Pieces()));
    last.list.push(bytes);
  }

  include(inclusion: Inclusion): boolean {
    const { exchange, page, services } = this;
    if (!page.include(exchange.depth)) return false;
    const included = new Included(exchange, page, services, inclusion);
    const part = this.partOf(inclusion, included);
    this.parts.push(part);
    this.included++;
    if (inclusion.waits) this.awaited = part;
    included.start();
    return true;
  }

  private partOf({ variable, stub }: Inclusion, included: Included): Part {
    const { services, rules, execution } = this;
    if (variable !== null) {
      const set = (value: string) => execution.set(variable, value);
      return new IntoVariable(included, services, rules.outputBufferSize, set, this.exchange);
    }
    return stub === null ? included : new WithStub(included, () => this.ofText(stub));
  }

  /** The text of a block, which may contain directives itself. */
  private ofText(text: string): Source {
    const { exchange, page, services, rules } = this;
    const pieces = new Pieces();
    pieces.list.push(Buffer.from(text, "latin1"));
    const source = { read: pieces.read.bind(pieces), close: () => pieces.clear() };
    return new SsiStream(source, exchange, page, services, rules);
  }

  readAhead(): void {
    const [part] = this.parts;
    if (part === undefined || part instanceof Pieces) this.source.readAhead?.();
    else part.readAhead?.();
  }

  close(): void {
    for (const part of this.parts) if (!(part instanceof Pieces)) part.close();
    this.parts.length = 0;
    this.ended = true;
    this.source.close();
  }
}

/** An included reply, or what stands for it. */
type Part = Source;

/** A reply in whose place something else is sent if it is empty or an error of this server. */
class WithStub implements Source {
  private stub: Source | null = null;
  private isDecided = false;

  constructor(
    private readonly included: Included,
    private readonly makeStub: () => Source,
  ) {}

  read(block: Block, offset: number, length: number): number {
    if (this.stub !== null) return this.stub.read(block, offset, length);
    if (!this.isDecided && this.included.hasFailed) return this.replace(block, offset, length);
    const n = this.included.read(block, offset, length);
    if (n === 0 && !this.isDecided) return this.replace(block, offset, length);
    if (n > 0) this.isDecided = true;
    return n;
  }

  private replace(block: Block, offset: number, length: number): number {
    this.included.close();
    this.isDecided = true;
    this.stub = this.makeStub();
    return this.stub.read(block, offset, length);
  }

  readAhead(): void {
    this.included.readAhead();
  }

  close(): void {
    this.included.close();
    this.stub?.close();
  }
}

/** A reply that becomes the value of a variable, if it is a success and not too long. */
class IntoVariable implements Source {
  private readonly pieces: Buffer[] = [];
  private gathered = 0;

  constructor(
    private readonly included: Included,
    private readonly services: SharedServices,
    private readonly most: number,
    private readonly set: (value: string) => void,
    private readonly exchange: Exchange,
  ) {}

  read(): number {
    const block = this.services.buffers.take(PIECE);
    let n = 1;
    while (n > 0 && this.gathered <= this.most) {
      n = this.included.read(block, 0, PIECE);
      if (n > 0) this.pieces.push(Buffer.from(block.bytes.subarray(0, n)));
      this.gathered += Math.max(0, n);
    }
    this.services.buffers.release(block);
    if (n === -ERRNO.EAGAIN) return n;
    this.complete();
    return 0;
  }

  private complete(): void {
    this.included.close();
    if (this.gathered > this.most) this.exchange.log("error", "too big subrequest response");
    else if (this.included.status < 300) this.set(Buffer.concat(this.pieces).latin1Slice());
  }

  close(): void {
    this.included.close();
  }
}
