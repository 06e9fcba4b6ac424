/** A simulated process, and the calls that its program can make. */
import { SIGKILL, SIGTERM } from "../../ffi/abi.ts";
import type { Program } from "../../ffi/kernel.ts";
import { Misuse } from "./descriptors.ts";
import type { Environment } from "./environment.ts";
import { OpenFile } from "./open-file.ts";
import type { PipeEnd } from "./pipes.ts";

const SIGPIPE = 13;
/** Longest scheduling delay, and longest time from a signal to its effect, ms. */
const SCHEDULING = 1;
/** Longest time from a signal to its effect if the process is in a long system call, ms. */
const BUSY = 80;
/** Longest time between two steps of its exit, ms. */
const CLOSING = 0.2;
/** Longest time a program takes to start, ms. */
const START = 4;

/** Starts a wait. `resume` must be called when it is over. */
export type Pause = (resume: () => void) => void;

/** The code of a program. Returns its exit status; nothing: 0. */
export type Behaviour = (process: Process) => Generator<Pause, number | undefined>;

const STREAMS = ["stdin", "stdout", "stderr"] as const;
export type StreamName = (typeof STREAMS)[number];

/** What a process needs of the system. */
interface System {
  readonly fork: () => Process;
  readonly ended: () => void;
}

export class Process {
  state: "running" | "zombie" = "running";
  /** Status as waitpid(2) gives it. */
  status = 0;
  readonly pidfds = new Set<{ ended(): void }>();
  private readonly ends: (PipeEnd | OpenFile | null)[];
  private readonly ignored = new Set<number>();
  private steps: Generator<Pause, number | undefined> | null = null;
  /** The process has received a fatal signal. */
  doomed = false;
  private exiting = false;

  constructor(
    private readonly environment: Environment,
    readonly pid: number,
    readonly group: number,
    /** Whether the server started it, and so must wait for it. */
    public isChild: boolean,
    readonly program: Program,
    ends: readonly (PipeEnd | OpenFile)[],
    private readonly system: System,
  ) {
    this.ends = [...ends];
    for (const end of ends) if (!(end instanceof OpenFile)) end.hold();
  }

  describe(): string {
    return `${this.state === "running" ? "the process" : "the zombie"} ${this.pid} (${this.program.args.at(-1)})`;
  }

  /** Starts the program `behaviour`. */
  runs(behaviour: Behaviour): void {
    this.steps = behaviour(this);
    this.after(this.environment.random.fraction() * START, () => this.step());
  }

  // Calls of the program

  /** Its environment, by name. */
  variable(name: string): string | undefined {
    return this.program.environment.find((text) => text.startsWith(`${name}=`))?.slice(name.length + 1);
  }

  /** Ms since 1970. */
  get time(): number {
    return this.environment.clock.realtime;
  }

  /** Reads at most `most` bytes of standard input; an empty result at the end. */
  *reads(most = 65_536): Generator<Pause, Buffer> {
    const end = this.end("stdin");
    if (end instanceof OpenFile) return readFile(end, most);
    const { pipe } = end;
    while (pipe.length === 0 && pipe.writing.open) yield (resume) => pipe.whenChanged(resume);
    return pipe.take(most);
  }

  /** Reads standard input to the end. */
  *readsAll(): Generator<Pause, Buffer> {
    const pieces: Buffer[] = [];
    for (let piece: Buffer; (piece = yield* this.reads()).length > 0; ) pieces.push(piece);
    return Buffer.concat(pieces);
  }

  /** Writes all bytes, and waits for space in the pipe. If there is no reader: SIGPIPE, or false if that is ignored. */
  *writes(text: string | Buffer, stream: StreamName = "stdout"): Generator<Pause, boolean> {
    const bytes = Buffer.from(text as string);
    const { pipe } = this.end(stream) as PipeEnd;
    for (let at = 0; at < bytes.length; ) {
      if (!pipe.reading.open) {
        if (this.ignored.has(SIGPIPE)) return false;
        this.finish(SIGPIPE);
        yield () => {};
      }
      const n = pipe.put(bytes, at);
      at += n;
      if (n === 0) yield (resume) => pipe.whenChanged(resume);
    }
    return true;
  }

  /** Writes to standard error. */
  complains(text: string): Generator<Pause, boolean> {
    return this.writes(text, "stderr");
  }

  *sleeps(milliseconds: number): Generator<Pause, void> {
    yield (resume) => this.environment.clock.after(milliseconds, resume);
  }

  /** Sleeps until it is killed. */
  *waitsForEver(): Generator<Pause, never> {
    for (;;) yield () => {};
  }

  closes(stream: StreamName): void {
    this.release(STREAMS.indexOf(stream));
  }

  ignores(signal: number): void {
    this.ignored.add(signal);
  }

  /** Starts a child in the same group, with the same descriptors. */
  forks(behaviour: Behaviour): void {
    this.system.fork().runs(behaviour);
  }

  /** Kills itself by a signal. */
  *dies(signal: number): Generator<Pause, never> {
    this.finish(signal);
    return yield* this.waitsForEver();
  }

  // Calls of others

  /** kill(2). The program stops at once, so it cannot fork(2) any more; the process ends a moment later. */
  signal(signal: number): void {
    const isFatal = signal === SIGKILL || (signal === SIGTERM && !this.ignored.has(signal));
    if (this.state !== "running" || !isFatal) return;
    this.doomed = true;
    const { random } = this.environment;
    this.after(random.fraction() * (random.chance(0.1) ? BUSY : SCHEDULING), () => this.finish(signal));
  }

  /** Called if its parent has ended: init reaps it. */
  orphan(): void {
    this.isChild = false;
    if (this.state === "zombie") this.system.ended();
  }

  /** The open files of its descriptors, for a child. */
  openEnds(): (PipeEnd | OpenFile)[] {
    return STREAMS.map((name) => this.end(name));
  }

  private end(stream: StreamName): PipeEnd | OpenFile {
    const end = this.ends[STREAMS.indexOf(stream)];
    if (!end) throw new Misuse(`${this.describe()} uses its ${stream} after closing it: a mistake of the test`);
    return end;
  }

  private release(index: number): void {
    const end = this.ends[index];
    this.ends[index] = null;
    if (end && !(end instanceof OpenFile)) end.release();
  }

  private step(): void {
    if (this.doomed || this.exiting) return;
    const { value, done } = this.steps!.next();
    if (done) return this.finish((value ?? 0) << 8);
    (value as Pause)(() => this.after(this.environment.random.fraction() * SCHEDULING, () => this.step()));
  }

  private after(delay: number, action: () => void): void {
    this.environment.clock.after(delay, action);
  }

  /** Exits: closes its descriptors one after the other, then notifies the parent. So the end of its output may be seen before its exit. */
  private finish(status: number): void {
    if (this.exiting) return;
    this.exiting = true;
    this.status = status;
    for (const end of this.ends) if (end && !(end instanceof OpenFile)) end.pipe.settle();
    const { random } = this.environment;
    const closed = this.ends.map((_, i) => {
      const delay = random.fraction() * CLOSING;
      this.after(delay, () => this.release(i));
      return delay;
    });
    this.after(Math.max(...closed) + random.fraction() * CLOSING, () => this.ended());
  }

  private ended(): void {
    this.state = "zombie";
    for (const pidfd of this.pidfds) pidfd.ended();
    this.system.ended();
  }
}

function readFile(file: OpenFile, most: number): Buffer {
  const bytes = Buffer.from(file.node.content.subarray(file.position, file.position + most));
  file.position += bytes.length;
  return bytes;
}
