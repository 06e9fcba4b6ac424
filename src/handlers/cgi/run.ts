/**
 * One request and the script that answers it: the body goes in and the output comes out at the same time, each as fast as
 * both of its ends allow. It lives until its child has been reaped, which may be long after its reply.
 */
import { SIGPIPE } from "../../../ffi/abi.ts";
import { ERRNO, errnoText } from "../../../ffi/errno.ts";
import { Block } from "../../../ffi/memory.ts";
import { exceptionText } from "../errors.ts";
import type { BodySink, Exchange, Field, StreamBody } from "../handler.ts";
import { Child, type ChildOwner, type Start } from "./child.ts";
import { OutputHead } from "./output.ts";
import { replyWithOutput } from "./reply.ts";
import type { Candidate, Running } from "./scripts.ts";
import { ErrorLines } from "./stderr.ts";

/** What any script's output is first read into; used up before another's is read. */
const scratch = new Block(64 * 1024);

/** Seconds after which a client may try again where too many scripts run. */
const RETRY_AFTER = "5";

/** What a request starts. */
interface Job extends Omit<Start, "stdin"> {
  /** For logs. */
  readonly filename: string;
  /** Its output is the whole reply (RFC 3875 §5). */
  readonly raw: boolean;
  /** A body that is complete already: bytes, or a descriptor that the run closes. null: it comes through `accept`, or there is none. */
  readonly body: Buffer | number | null;
}

export class Run implements ChildOwner, BodySink, StreamBody, Candidate, Running {
  readonly kind = "stream";
  readonly answers = true;
  length = -1;
  /** null when its reply is over, for exchanges are used again. */
  private exchange: Exchange | null;
  private child: Child | null = null;
  private readonly services;
  private readonly head = new OutputHead();
  private readonly errors = new ErrorLines((line) => this.complain(line));
  /** Output that came with the head and has not been sent. */
  private rest: Buffer | null = null;
  /** A file that is the complete body, until the script has it; else -1. */
  private spool: number;
  /** A complete body that has not all been written. */
  private unwritten: Buffer | null;
  /** Whether more of the body is to come from the client. */
  private bodyPending: boolean;
  /** The script's input is full. */
  private blocked = false;
  private replied = false;
  private stalled = false;

  constructor(
    exchange: Exchange,
    private readonly job: Job,
  ) {
    this.exchange = exchange;
    this.services = exchange.services;
    this.bodyPending = exchange.request.hasBody && job.body === null;
    this.spool = typeof job.body === "number" ? job.body : -1;
    this.unwritten = Buffer.isBuffer(job.body) ? job.body : null;
    exchange.onGone = () => this.forsake();
    this.services.scripts.enter(this, exchange.settings);
  }

  // Candidate, Running

  start(): void {
    const { job, services } = this;
    const child = new Child(services.kernel, services.reactor, this, job.timeout);
    const n = child.start({ ...job, stdin: this.spool < 0 ? null : this.spool });
    this.closeSpool();
    if (child.pid !== 0) {
      this.child = child;
      services.scripts.started(this);
    } else services.scripts.ended(this);
    if (n < 0) return this.fail(502, `could not be started (${errnoText(n)})`);
    this.onInput();
  }

  refuse(): void {
    this.closeSpool();
    this.fail(503, "found no place: too many scripts are running", [["Retry-After", RETRY_AFTER]]);
  }

  kill(): void {
    this.child?.kill();
  }

  private closeSpool(): void {
    if (this.spool >= 0) this.services.kernel.close(this.spool);
    this.spool = -1;
  }

  // BodySink

  /** Bytes taken. A script that reads no more (EPIPE) is no error: the rest of the body is nobody's. */
  accept(block: Block, start: number, end: number): number {
    const { child } = this;
    if (child === null) return this.exchange === null ? end - start : 0;
    for (let at = start; at < end; ) {
      const n = child.write(block, at, end - at);
      if (n === -ERRNO.EAGAIN) {
        this.blocked = true;
        return at - start;
      }
      if (n < 0) return end - start;
      at += n;
    }
    return end - start;
  }

  end(): void {
    this.bodyPending = false;
    this.child?.closeInput();
  }

  /** The body will not be complete: because the whole reply is out, or because the client broke it off. */
  abort(): void {
    this.bodyPending = false;
    if (this.replied) this.child?.closeInput();
    else this.forsake();
  }

  // StreamBody

  read(block: Block, offset: number, length: number): number {
    if (this.stalled) return -ERRNO.EIO;
    if (this.rest === null) return this.child!.read(block, offset, length);
    const n = this.rest.copy(block.bytes, offset, 0, length);
    this.rest = n < this.rest.length ? this.rest.subarray(n) : null;
    return n;
  }

  close(): void {
    this.child?.leave();
    this.forget();
  }

  // ChildOwner

  get waitsForClient(): boolean {
    return this.bodyPending && !this.blocked;
  }

  onOutput(): void {
    if (this.replied) this.exchange?.resume();
    else this.readHead();
  }

  onInput(): void {
    this.blocked = false;
    this.feed();
    if (this.bodyPending) this.exchange?.resume();
  }

  onErrors(): void {
    const n = this.child!.readErrors(scratch, 0, scratch.bytes.length);
    if (n > 0) this.errors.feed(scratch.bytes, 0, n);
    else if (n !== -ERRNO.EAGAIN) this.child!.closeErrors();
  }

  onStalled(): void {
    if (!this.replied) return this.fail(504, "made no progress for cgi_timeout");
    this.stalled = true;
    this.complain("made no progress for cgi_timeout");
    this.exchange?.resume();
  }

  onEnded(status: number): void {
    this.services.scripts.ended(this);
    this.onErrors();
    this.errors.end();
    this.child!.closeErrors();
    const signal = status & 0x7f;
    // SIGPIPE is how a script learns that nobody wants the rest of its output.
    const expected = this.child!.terminated || (signal === SIGPIPE && this.exchange === null);
    if (signal !== 0 && !expected) this.complain(`was ended by signal ${signal}`);
    this.onOutput();
    if (this.exchange === null) this.child!.leave();
  }

  onBug(error: unknown): void {
    if (this.exchange === null) this.services.log("crit", exceptionText(error));
    else this.exchange.crash(error);
    this.child?.terminate();
  }

  // The rest

  /** Writes of a complete body what there is room for, and ends the input behind it. */
  private feed(): void {
    while (this.unwritten !== null && this.unwritten.length > 0) {
      const length = this.unwritten.copy(scratch.bytes, 0);
      const n = this.child!.write(scratch, 0, length);
      if (n === -ERRNO.EAGAIN) return;
      this.unwritten = n < 0 ? null : this.unwritten.subarray(n);
    }
    if (!this.bodyPending) this.child!.closeInput();
  }

  private readHead(): void {
    while (this.exchange !== null) {
      const n = this.child!.read(scratch, 0, scratch.bytes.length);
      if (n === -ERRNO.EAGAIN) return;
      if (n < 0) return this.fail(502, `could not be read (${errnoText(n)})`);
      if (n === 0) return this.fail(502, "ended before its header block did");
      if (this.job.raw) return this.passOn(scratch.bytes.subarray(0, n));
      const used = this.head.feed(scratch.bytes, 0, n);
      if (used < 0) return this.fail(502, `gave a bad header block: ${this.head.reason}`);
      if (used > 0) return this.reply(scratch.bytes.subarray(used, n));
    }
  }

  private reply(rest: Buffer): void {
    const exchange = this.exchange!;
    this.keep(rest);
    this.length = this.head.contentLength;
    answer(exchange, () => replyWithOutput(exchange, this.head, this));
  }

  private passOn(first: Buffer): void {
    const exchange = this.exchange!;
    this.keep(first);
    answer(exchange, () => exchange.replyRaw(this));
  }

  private keep(rest: Buffer): void {
    this.replied = true;
    this.rest = rest.length > 0 ? Buffer.from(rest) : null;
  }

  /** The script is no use: its client gets an error. */
  private fail(status: number, reason: string, fields?: readonly Field[]): void {
    const { exchange } = this;
    if (exchange === null) return;
    if (this.child !== null) this.onErrors(); // what it said of it comes first, and with its client
    this.forget();
    this.child?.leave();
    exchange.log("error", `script "${this.job.filename}" ${reason}`);
    answer(exchange, () => exchange.fail(status, fields));
  }

  /** The client is gone: so is the reason to run. */
  private forsake(): void {
    if (this.exchange === null) return;
    if (this.child === null) {
      this.services.scripts.leaveQueue(this);
      this.closeSpool();
    }
    this.forget();
    this.child?.terminate();
    this.child?.leave();
  }

  private forget(): void {
    if (this.exchange !== null) this.exchange.onGone = null;
    this.exchange = null;
    this.rest = null;
  }

  /** A line about the script in the error log, with its client while there is one. */
  private complain(line: string): void {
    const message = `script "${this.job.filename}": ${line}`;
    if (this.exchange === null) this.services.log("error", message);
    else this.exchange.log("error", message);
  }
}

/** Replies. What that leads to may throw, and it is the reactor or another script that has called. */
function answer(exchange: Exchange, reply: () => void): void {
  try {
    reply();
  } catch (error) {
    exchange.crash(error);
  }
}
