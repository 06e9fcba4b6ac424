/**
 * A child process: its process group, our ends of its pipes, and a pidfd that reports its end. It is watched until it has been
 * reaped, even when its owner has lost interest. Models: lighttpd's mod_cgi, Apache's mod_cgid.
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

/** Time between SIGTERM and SIGKILL, ms. */
const KILL_DELAY = 5000;
/** Interval for polling a child whose end no descriptor reports, ms. */
const REAP_AGAIN = 20;

/** The bits of a wait status that contain the signal (wait(2)). */
const SIGNAL = 0x7f;

/** The starter of a process. The reactor makes these calls, one at a time. */
export interface ProcessOwner {
  /** There may be output to read, or the output has ended. */
  onOutput(): void;
  /** Standard input accepts more, or is closed. */
  onInput(): void;
  /** There may be something to read from standard error. */
  onErrors(): void;
  /** Whether the process waits for its owner: then lack of progress is not the process' fault and no time-out applies. */
  readonly holdsInput: boolean;
  /** Nothing has moved during the time-out. The process is being terminated. */
  onStalled(): void;
  /**
   * The process has been reaped.
   * @param signal the signal that ended it; 0: none
   * @param asked whether the server sent the signal
   */
  onEnded(signal: number, asked: boolean): void;
  /** One of the calls above threw. */
  onBug(error: unknown): void;
}

/** What a process is started with. Its three descriptors are new pipes; `stdin` may be an existing descriptor instead. */
export interface Start extends Omit<Program, "stdin" | "stdout" | "stderr"> {
  /** An existing descriptor as standard input; null: a pipe. */
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
  /** The server has sent a signal, so the process should end. */
  Ending,
  /** It has ended; the kernel may reuse its pid. */
  Reaped,
}

export class ChildProcess extends Timed implements Source {
  state = ProcessState.New;
  private pid = 0;
  private pidfd = -1;
  private input: PipeEnd | null = null;
  private output: PipeEnd | null = null;
  private errors: PipeEnd | null = null;

  /** @param timeout ms without progress on its input and output until it counts as stalled */
  constructor(
    private readonly kernel: Kernel,
    private readonly reactor: Reactor,
    private readonly owner: ProcessOwner,
    private readonly timeout: number,
  ) {
    super();
  }

  /** The pidfd, which the reactor watches. */
  get fd(): number {
    return this.pidfd;
  }

  /** Starts the process. 0, or -errno: it cannot be used. If the state is not New after an error, the process is being killed and `onEnded` follows. */
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

  /** Registers pipes and pidfd. From here on the reactor closes the pipes. */
  private watch({ ours }: Ends): number {
    const { kernel, reactor, owner } = this;
    const [input, output, errors] = ours as [number, number, number];
    const pipe = (fd: number, events: number, call: () => void) =>
      new PipeEnd(kernel, reactor, fd, events, this.guarded(call));
    // Edge-triggered: while a slow reader leaves output in the pipe, epoll would otherwise report it every turn.
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

  /** The process cannot be watched: kills it and polls until it can be reaped. */
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

  // Calls by the owner

  /** write(2) to standard input: bytes written; -EAGAIN: no room; -EPIPE: the process has closed it; other -errno. */
  write(block: Block, offset: number, length: number): number {
    if (this.input === null) return -ERRNO.EPIPE;
    const n = this.input.write(block, offset, length);
    if (n > 0) this.progress();
    return n;
  }

  /** Closes standard input. */
  closeInput(): void {
    this.input?.close();
    this.input = null;
  }

  /**
   * Reads output into block[offset, offset + length): bytes; 0 at the end; -EAGAIN when there is none yet. A grandchild may hold
   * the pipe open, so after the process has ended an empty pipe counts as the end.
   */
  read(block: Block, offset: number, length: number): number {
    if (this.output === null) return 0;
    const wasReady = this.output.ready;
    const n = this.output.read(block, offset, length);
    // Finding the pipe empty restarts the time-out: until then the process may have been waiting for the reader.
    if (n > 0 || (wasReady && n === -ERRNO.EAGAIN)) this.progress();
    if (n === 0) this.closeOutput();
    return this.orEnd(n);
  }

  /** As `read`, for standard error. */
  readErrors(block: Block, offset: number, length: number): number {
    if (this.errors === null) return 0;
    return this.orEnd(this.errors.read(block, offset, length));
  }

  private orEnd(n: number): number {
    return n === -ERRNO.EAGAIN && this.state === ProcessState.Reaped ? 0 : n;
  }

  /** Sends SIGTERM to the process group, and SIGKILL if it still runs 5 s later. */
  terminate(): void {
    if (this.state !== ProcessState.Running) return;
    this.state = ProcessState.Ending;
    this.kernel.kill(-this.pid, SIGTERM);
    this.reactor.timers.start(this, KILL_DELAY, this.reactor.now);
  }

  /** Sends SIGKILL to the process group, when the server stops. */
  kill(): void {
    if (this.state !== ProcessState.Running && this.state !== ProcessState.Ending) return;
    this.state = ProcessState.Ending;
    this.kernel.kill(-this.pid, SIGKILL);
  }

  /** Closes input and output. The process may run on until it ends, at most for its time-out. */
  leave(): void {
    this.closeInput();
    this.closeOutput();
  }

  private closeOutput(): void {
    this.output?.close();
    this.output = null;
  }

  /** Closes standard error. */
  closeErrors(): void {
    this.errors?.close();
    this.errors = null;
  }

  private progress(): void {
    if (this.state === ProcessState.Running) this.reactor.timers.start(this, this.timeout, this.reactor.now);
  }

  // Calls by the reactor

  /**
   * The pidfd is readable, so the process has ended. The same wait reports everything it wrote before; where only reported data
   * is read (`eager off`), the pipes are read first.
   */
  onEvents(): void {
    if (this.reactor.eager) this.onTurn();
    else this.reactor.again(this);
  }

  onTurn(): void {
    // The pid cannot be reused until the process is reaped. This kills whatever is left of its group after SIGTERM.
    if (this.state === ProcessState.Ending) this.kernel.kill(-this.pid, SIGKILL);
    if (this.reap()) this.reactor.close(this);
  }

  /** Reaps the process; false while it still runs. */
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

  /** Wraps a call to the owner, so that its exceptions do not reach the reactor. */
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
