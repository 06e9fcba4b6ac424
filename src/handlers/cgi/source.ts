/**
 * A CGI script as the source of a reply. It waits for a slot, runs, and is observed until its process has been reaped, which may be
 * long after its reply.
 *
 *     New -> Waiting -> Running -> Over
 */
import { SIGPIPE } from "../../../ffi/abi.ts";
import { ERRNO, errnoText } from "../../../ffi/errno.ts";
import type { Block } from "../../../ffi/memory.ts";
import type { Field } from "../../exchange/reply.ts";
import { ChildProcess, type ProcessOwner, ProcessState, type Start } from "../../network/process.ts";
import { Alarm } from "../../network/timers.ts";
import type { RelayLog } from "../relay/log.ts";
import type { ReplySource, SourceEvents } from "../relay/source.ts";
import type { HandlerServices } from "../services.ts";
import { ErrorOutput } from "./error-output.ts";
import type { Candidate, Limits, Running } from "./scripts.ts";

/** Retry-After, in seconds, when too many scripts run. */
const RETRY: readonly Field[] = [["Retry-After", "5"]];
/** Errors of a start that may succeed later. */
const MOMENTARY: readonly number[] = [ERRNO.EMFILE, ERRNO.ENFILE, ERRNO.EAGAIN, ERRNO.ENOMEM];
/**
 * ms that the end of the output waits for the end of the process. The kernel closes the descriptors of a process shortly before it
 * reports how the process has ended. If a script closes its output and continues, its reply ends after this time.
 */
const ENDING = 200;

/** What is started, with its limits. */
interface Job extends Start {
  /** cgi_timeout, ms. */
  readonly timeout: number;
  readonly limits: Limits;
}

enum State {
  New,
  /** In the queue for a slot. */
  Waiting,
  Running,
  /** The process was reaped, or will never run. */
  Over,
}

export class ScriptSource implements ReplySource, Candidate, Running, ProcessOwner {
  private state = State.New;
  private events!: SourceEvents;
  private process: ChildProcess | null = null;
  private readonly errors: ErrorOutput;
  /** Nobody reads its output any more. */
  private left = false;
  /** A signal ended it, so its output is not complete. */
  private cutShort = false;
  /** The process was still running ENDING ms after its output ended. */
  private outlivesOutput = false;
  private readonly ending = new Alarm(() => this.onLateEnd());

  /** @param job this object closes its `stdin` */
  constructor(
    private readonly services: HandlerServices,
    private readonly job: Job,
    private readonly log: RelayLog,
  ) {
    this.errors = new ErrorOutput(services.reactor, services.buffers, (line) => log.line(line));
  }

  // ReplySource

  start(events: SourceEvents): void {
    this.events = events;
    this.state = State.Waiting;
    this.services.scripts.enter(this, this.job.limits);
  }

  write(block: Block, offset: number, length: number): number {
    return this.process!.write(block, offset, length);
  }

  endInput(): void {
    this.process?.closeInput();
  }

  read(block: Block, offset: number, length: number): number {
    const n = this.process!.read(block, offset, length);
    return n === 0 ? this.atEnd() : n;
  }

  terminate(): void {
    if (this.state === State.Waiting) this.services.scripts.leaveQueue(this);
    if (this.state === State.Waiting || this.state === State.New) this.endWithoutStart();
    this.process?.terminate();
  }

  leave(): void {
    this.left = true;
    this.services.reactor.timers.stop(this.ending);
    this.process?.leave();
  }

  logErrors(): void {
    if (this.process !== null) this.onErrors();
  }

  // Candidate, Running

  launch(): void {
    const { job, services } = this;
    const process = new ChildProcess(services.kernel, services.reactor, this, job.timeout);
    const n = process.start(job);
    this.closeStdin();
    if (process.state !== ProcessState.New) {
      this.process = process;
      this.state = State.Running;
      services.scripts.started(this);
    } else {
      this.state = State.Over;
      services.scripts.ended(this);
    }
    if (n === 0) this.events.onWritable();
    else if (MOMENTARY.includes(-n)) this.events.onFailed(503, `could not be started now (${errnoText(n)})`, RETRY);
    else this.events.onFailed(502, `could not be started (${errnoText(n)})`);
  }

  refuse(): void {
    this.endWithoutStart();
    this.events.onFailed(503, "was not started: too many scripts are running", RETRY);
  }

  kill(): void {
    this.process?.kill();
  }

  // ProcessOwner

  get holdsInput(): boolean {
    return this.events.waitsForClient;
  }

  onOutput(): void {
    this.events.onReadable();
  }

  onInput(): void {
    this.events.onWritable();
  }

  onErrors(): void {
    this.errors.onReady(this.process!);
  }

  onStalled(): void {
    this.events.onFailed(504, "made no progress for cgi_timeout");
  }

  onEnded(signal: number, asked: boolean): void {
    this.state = State.Over;
    this.cutShort = signal !== 0;
    this.services.reactor.timers.stop(this.ending);
    this.services.files.mayHaveChanged(); // it may have written files
    this.services.scripts.ended(this);
    this.errors.onEnded(this.process!);
    // SIGPIPE ends a script that writes after its reader has left.
    const expected = asked || (signal === SIGPIPE && this.left);
    if (signal !== 0 && !expected) this.log.line(`was ended by signal ${signal}`);
    this.events.onReadable();
  }

  onBug(error: unknown): void {
    this.events.onBug(error);
  }

  // The end

  /** The output has ended. Whether it is complete is known only when the process has ended too. */
  private atEnd(): number {
    if (this.state === State.Over) return this.cutShort ? -ERRNO.ECONNRESET : 0;
    if (this.outlivesOutput) return 0;
    const { timers, now } = this.services.reactor;
    if (this.ending.timerList === null) timers.start(this.ending, ENDING, now);
    return -ERRNO.EAGAIN;
  }

  private onLateEnd(): void {
    this.outlivesOutput = true;
    this.events.onReadable();
  }

  private endWithoutStart(): void {
    this.state = State.Over;
    this.closeStdin();
  }

  /** Closes the file with the body: the process has its own copy, or will never need one. */
  private closeStdin(): void {
    if (this.job.stdin !== null) this.services.kernel.close(this.job.stdin);
  }
}
