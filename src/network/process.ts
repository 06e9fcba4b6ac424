/**
 * A child process: its process group, our ends of its pipes, and its end, which a pidfd reports. It is watched until it has
 * been reaped, whoever lost interest in it before. Models: lighttpd's mod_cgi, Apache's mod_cgid.
 *
 *     New -> Running -> Ending -> Reaped
 */
import { EPOLLET, EPOLLIN, EPOLLOUT, SIGKILL, SIGTERM } from "../../ffi/abi.ts";
import { ERRNO } from "../../ffi/errno.ts";
import type { Kernel, Program } from "../../ffi/kernel.ts";
import type { Block } from "../../ffi/memory.ts";
import { PipeEnd } from "./pipe.ts";
import type { Reactor, Source } from "./reactor.ts";
import { Timed } from "./timers.ts";

/** From SIGTERM to SIGKILL, ms. */
const PATIENCE = 5000;
/** Between two looks for a child that no descriptor reports, ms. */
const REAP_AGAIN = 20;

/** The bits of a wait status that hold the signal (wait(2)). */
const SIGNAL = 0x7f;

/** Who has started a process. Calls come from the reactor, one at a time. */
export interface ProcessOwner {
  /** There may be output to read, or it has ended. */
  onOutput(): void;
  /** Its standard input takes more, or is closed. */
  onInput(): void;
  /** Something may be read from standard error. */
  onErrors(): void;
  /** Whether the owner is what keeps the process waiting: then nothing moves, and it is not the process' fault. */
  readonly holdsInput: boolean;
  /** Nothing has moved for the time-out. The process is being terminated. */
  onStalled(): void;
  /**
   * It has been reaped.
   * @param signal that has ended it; 0: none
   * @param asked the signal was sent by us
   */
  onEnded(signal: number, asked: boolean): void;
  /** One of the calls above threw. */
  onBug(error: unknown): void;
}

/** What a process is started with; its three descriptors are pipes of its own, unless `stdin` is one that is there already. */
export interface Start extends Omit<Program, "stdin" | "stdout" | "stderr"> {
  /** A descriptor that is its standard input; null: a pipe. */
  readonly stdin: number | null;
}

interface Ends {
  readonly theirs: number[];
  readonly ours: number[];
}

export enum ProcessState {
  /** Nothing has been started. */
  New,
  Running,
  /** A signal of ours has been sent: it is to end. */
  Ending,
  /** It has ended, and its number may be another's. */
  Reaped,
}

export class ChildProcess extends Timed implements Source {
  state = ProcessState.New;
  private pid = 0;
  private pidfd = -1;
  private input: PipeEnd | null = null;
  private output: PipeEnd | null = null;
  private errors: PipeEnd | null = null;

  /** @param timeout ms without progress on its input and output after which it is stalled */
  constructor(
    private readonly kernel: Kernel,
    private readonly reactor: Reactor,
    private readonly owner: ProcessOwner,
    private readonly timeout: number,
  ) {
    super();
  }

  /** The pidfd, for the reactor. */
  get fd(): number {
    return this.pidfd;
  }

  /** Starts it. 0, or -errno: then it is useless, and unless it is still New it is being ended: `onEnded` follows. */
  start(start: Start): number {
    const { kernel } = this;
    const ends = this.openPipes(start.stdin === null);
    if (typeof ends === "number") return ends;
    const [stdin, stdout, stderr] = ends.theirs as [number, number, number];
    const pid = kernel.spawn({ ...start, stdin: start.stdin ?? stdin, stdout, stderr });
    for (const fd of ends.theirs) if (fd >= 0) kernel.close(fd);
    if (pid < 0) return this.withdraw(ends, pid);
    this.pid = pid;
    this.state = ProcessState.Running;
    return this.watch(ends);
  }

  private openPipes(withInput: boolean): Ends | number {
    const ends: Ends = { theirs: [-1], ours: [-1] };
    for (let i = withInput ? 0 : 1; i < 3; i++) {
      const pair: number[] = [];
      const ours = i === 0 ? 1 : 0;
      const n = this.kernel.pipe(pair, ours);
      if (n < 0) {
        for (const fd of ends.theirs) if (fd >= 0) this.kernel.close(fd);
        return this.withdraw(ends, n);
      }
      ends.ours[i] = pair[ours]!;
      ends.theirs[i] = pair[1 - ours]!;
    }
    return ends;
  }

  private withdraw({ ours }: Ends, error: number): number {
    for (const fd of ours) if (fd >= 0) this.kernel.close(fd);
    return error;
  }

  /** From here on the pipes are the reactor's to close. */
  private watch({ ours }: Ends): number {
    const { kernel, reactor, owner } = this;
    const [input, output, errors] = ours as [number, number, number];
    const pipe = (fd: number, events: number, call: () => void) =>
      new PipeEnd(kernel, reactor, fd, events, this.guarded(call));
    // What a slow reader leaves in its output must not be reported again and again.
    if (input >= 0) this.input = pipe(input, EPOLLOUT | EPOLLET, () => owner.onInput());
    this.output = pipe(output, EPOLLIN | EPOLLET, () => owner.onOutput());
    this.errors = pipe(errors, EPOLLIN | EPOLLET, () => owner.onErrors());
    this.pidfd = kernel.pidfdOpen(this.pid);
    const pipes = [this.input, this.output, this.errors];
    const failure = [this.pidfd, ...pipes.map((end) => end?.watch() ?? 0), this.add()].find((n) => n < 0);
    if (failure !== undefined) return this.giveUp(failure);
    reactor.timers.start(this, this.timeout, reactor.now);
    return 0;
  }

  private add(): number {
    return this.pidfd < 0 ? this.pidfd : this.reactor.add(this, EPOLLIN | EPOLLET);
  }

  /** It cannot be watched: it is killed, and looked for until it can be reaped. */
  private giveUp(error: number): number {
    this.leave();
    this.closeErrors();
    if (this.pidfd >= 0) this.reactor.close(this);
    this.pidfd = -1;
    this.state = ProcessState.Ending;
    this.kernel.kill(-this.pid, SIGKILL);
    this.reactor.timers.start(this, REAP_AGAIN, this.reactor.now);
    return error;
  }

  // What the owner asks for

  /** write(2) to its standard input: bytes taken; -EAGAIN: no room; -EPIPE: it reads no more; other -errno. */
  write(block: Block, offset: number, length: number): number {
    if (this.input === null) return -ERRNO.EPIPE;
    const n = this.input.write(block, offset, length);
    if (n > 0) this.progress();
    return n;
  }

  /** The end of its standard input. */
  closeInput(): void {
    this.input?.close();
    this.input = null;
  }

  /**
   * Output into block[offset, offset + length): bytes; 0 at its end; -EAGAIN when there is none yet. A grandchild may hold the
   * pipe open: what comes after the process' own end is not waited for.
   */
  read(block: Block, offset: number, length: number): number {
    if (this.output === null) return 0;
    const wasReady = this.output.ready;
    const n = this.output.read(block, offset, length);
    // Its time starts anew where it is found empty: until then it may have been the reader who was waited for.
    if (n > 0 || (wasReady && n === -ERRNO.EAGAIN)) this.progress();
    if (n === 0) this.closeOutput();
    return this.orEnd(n);
  }

  /** As `read`, of standard error. */
  readErrors(block: Block, offset: number, length: number): number {
    if (this.errors === null) return 0;
    return this.orEnd(this.errors.read(block, offset, length));
  }

  private orEnd(n: number): number {
    return n === -ERRNO.EAGAIN && this.state === ProcessState.Reaped ? 0 : n;
  }

  /** SIGTERM to its group, and SIGKILL if it is still there 5 s later. */
  terminate(): void {
    if (this.state !== ProcessState.Running) return;
    this.state = ProcessState.Ending;
    this.kernel.kill(-this.pid, SIGTERM);
    this.reactor.timers.start(this, PATIENCE, this.reactor.now);
  }

  /** SIGKILL to its group: the server stops. */
  kill(): void {
    if (this.state !== ProcessState.Running && this.state !== ProcessState.Ending) return;
    this.state = ProcessState.Ending;
    this.kernel.kill(-this.pid, SIGKILL);
  }

  /** Nobody writes to it or reads its output any more. It may go on to its end, for at most its time-out. */
  leave(): void {
    this.closeInput();
    this.closeOutput();
  }

  private closeOutput(): void {
    this.output?.close();
    this.output = null;
  }

  /** Nobody reads its standard error any more. */
  closeErrors(): void {
    this.errors?.close();
    this.errors = null;
  }

  private progress(): void {
    if (this.state === ProcessState.Running) this.reactor.timers.start(this, this.timeout, this.reactor.now);
  }

  // What the reactor calls

  /**
   * The pidfd is readable: the process has ended. Whatever it wrote before is reported by the same wait, and where only what is
   * reported is read, that comes first.
   */
  onEvents(): void {
    if (this.reactor.eager) this.onTurn();
    else this.reactor.again(this);
  }

  onTurn(): void {
    // As long as it is not reaped its number is its own. Whatever of its group was to end with it and has not, ends now.
    if (this.state === ProcessState.Ending) this.kernel.kill(-this.pid, SIGKILL);
    if (this.reap()) this.reactor.close(this);
  }

  /** False: it still runs. */
  private reap(): boolean {
    const status = this.kernel.wait(this.pid);
    if (status === -ERRNO.EAGAIN) return false;
    const asked = this.state === ProcessState.Ending;
    this.state = ProcessState.Reaped;
    this.timerList?.stop(this);
    this.guarded(() => this.owner.onEnded(status & SIGNAL, asked))();
    return true;
  }

  onTimeout(): void {
    if (this.pidfd < 0) {
      if (!this.reap()) this.reactor.timers.start(this, REAP_AGAIN, this.reactor.now);
    } else if (this.state === ProcessState.Ending) {
      this.kernel.kill(-this.pid, SIGKILL);
    } else if (this.output?.ready || this.owner.holdsInput) {
      this.progress();
    } else {
      this.terminate();
      this.guarded(() => this.owner.onStalled())();
    }
  }

  /** Nothing that an owner does wrong may reach the reactor. */
  private guarded(call: () => void): () => void {
    return () => {
      try {
        call();
      } catch (error) {
        this.owner.onBug(error);
      }
    };
  }
}
