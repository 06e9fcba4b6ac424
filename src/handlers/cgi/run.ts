/**
 * One request and the script that answers it: the body goes in and the output comes out at the same time, each as fast as
 * both of its ends allow. It lives until its child has been reaped, which may be long after its reply.
 */
import { SIGPIPE } from "../../../ffi/abi.ts";
import { ERRNO, errnoText } from "../../../ffi/errno.ts";
import { Block } from "../../../ffi/memory.ts";
import type { ErrorLog } from "../../config/model.ts";
import type { Exchange } from "../../exchange/exchange.ts";
import type { BodySink } from "../../exchange/handler.ts";
import type { Field, StreamBody } from "../../exchange/reply.ts";
import type { Unfinished } from "../../network/reactor.ts";
import { exceptionText } from "../errors.ts";
import type { HandlerServices } from "../services.ts";
import { Child, type ChildOwner, type Start } from "./child.ts";
import { ErrorOutput } from "./error-output.ts";
import { type CompleteBody, Input } from "./input.ts";
import { OutputHead } from "./output.ts";
import { localRedirect, replyWithOutput } from "./reply.ts";
import type { Candidate, Running } from "./scripts.ts";

/** What any script's output is first read into; used up before another's is read. */
const scratch = new Block(64 * 1024);

/** Seconds after which a client may try again where too many scripts run. */
const RETRY: Field = ["Retry-After", "5"];
/** Why a start fails that may succeed a moment later. */
const MOMENTARY: readonly number[] = [ERRNO.EMFILE, ERRNO.ENFILE, ERRNO.EAGAIN, ERRNO.ENOMEM];

/** What a request starts. */
interface Job extends Omit<Start, "stdin"> {
  /** For logs. */
  readonly filename: string;
  /** Its output is the whole reply (RFC 3875 §5). */
  readonly raw: boolean;
  readonly body: CompleteBody;
}

export class Run implements ChildOwner, BodySink, StreamBody, Candidate, Running, Unfinished {
  readonly kind = "stream";
  readonly answers = true;
  length = -1;
  /** null when its reply is over, for exchanges are used again. */
  private exchange: Exchange | null;
  private child: Child | null = null;
  /** For what is logged when the exchange is over. */
  private readonly connection: number;
  private readonly client: string;
  private readonly errorLog: ErrorLog;
  private readonly head = new OutputHead();
  private readonly errors;
  /** The error log has a line with this request. */
  private complained = false;
  /** Output that came with the head and has not been sent. */
  private rest: Buffer | null = null;
  private readonly input: Input;
  private bodyFirst = false;
  private replied = false;
  private stalled = false;

  constructor(
    exchange: Exchange,
    private readonly services: HandlerServices,
    private readonly job: Job,
  ) {
    this.exchange = exchange;
    this.connection = exchange.connection.number;
    this.client = exchange.connection.remoteAddress;
    this.errorLog = exchange.settings.errorLog;
    this.errors = new ErrorOutput(this.services.reactor, (line) => this.complain(line));
    this.input = new Input(this.services.kernel, job.body, exchange.request.hasBody && job.body === null);
    exchange.onGone = () => this.forsake();
    this.services.scripts.enter(this, exchange.settings);
  }

  // Candidate, Running

  start(): void {
    const { job, services } = this;
    const child = new Child(services.kernel, services.reactor, this, job.timeout);
    const n = child.start({ ...job, stdin: this.input.descriptor });
    this.input.closeSpool();
    if (child.pid !== 0) {
      this.child = child;
      services.scripts.started(this);
    } else services.scripts.ended(this);
    if (n === 0) this.onInput();
    else if (MOMENTARY.includes(-n)) this.fail(503, `could not be started now (${errnoText(n)})`, [RETRY]);
    else this.fail(502, `could not be started (${errnoText(n)})`);
  }

  refuse(): void {
    this.input.closeSpool();
    this.fail(503, "found no place: too many scripts are running", [RETRY]);
  }

  kill(): void {
    this.child?.kill();
  }

  // BodySink

  accept(block: Block, start: number, end: number): number {
    if (this.child !== null) return this.input.write(this.child, block, start, end);
    return this.exchange === null ? end - start : 0;
  }

  end(): void {
    this.input.end();
    this.child?.closeInput();
  }

  /** The body will not be complete: because the whole reply is out, or because the client broke it off. */
  abort(): void {
    this.input.end();
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
    return this.exchange !== null && this.input.waitsForClient;
  }

  onOutput(): void {
    if (this.replied) this.exchange?.resume();
    else if (this.input.pending && !this.bodyFirst) this.takeBodyFirst();
    else this.readHead();
  }

  /** What has come of the body is taken before the reply begins: behind a reply to half a request the connection could not go on. */
  private takeBodyFirst(): void {
    this.bodyFirst = true;
    this.exchange?.resume();
    this.services.reactor.again(this);
  }

  onTurn(): void {
    try {
      this.onOutput();
    } catch (error) {
      this.onBug(error);
    }
  }

  onInput(): void {
    this.input.flow(this.child!);
    if (this.input.pending) this.exchange?.resume();
  }

  onErrors(): void {
    this.errors.onReady(this.child!);
  }

  onStalled(): void {
    if (!this.replied) return this.fail(504, "made no progress for cgi_timeout");
    this.stalled = true;
    this.complain("made no progress for cgi_timeout");
    this.exchange?.resume();
  }

  onEnded(status: number): void {
    this.services.files.doubt();
    this.services.scripts.ended(this);
    this.errors.onEnded(this.child!);
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
    this.services.files.doubt(); // the script may have written what it now redirects to
    this.keep(rest);
    this.length = this.head.contentLength;
    const call = () => answer(exchange, () => replyWithOutput(exchange, this.head, this));
    // What a script redirects to may be a script too: it must not be refused for want of the place that this one is about to leave.
    if (localRedirect(this.head) !== null) this.services.scripts.handOver(call);
    else call();
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
      this.input.closeSpool();
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

  /** A line about the script in the error log. Only the first has the request as well: a flood of them would be a flood of that. */
  private complain(line: string): void {
    const message = `script "${this.job.filename}": ${line}`;
    if (this.exchange !== null) this.exchange.log("error", message, this.complained);
    else this.services.log("error", `*${this.connection} ${message}, client: ${this.client}`, this.errorLog);
    this.complained = true;
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
