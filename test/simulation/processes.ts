/**
 * Child processes. A program is a generator whose steps run in virtual time. A process ends as on Linux: first its descriptors
 * are closed, then it is a zombie until its parent waits for it. Init reaps grandchildren.
 */
import { EPOLLIN, S_IFDIR, S_IFREG } from "../../ffi/abi.ts";
import { ERRNO } from "../../ffi/errno.ts";
import type { Program } from "../../ffi/kernel.ts";
import { type Descriptors, Misuse } from "./descriptors.ts";
import type { Environment } from "./environment.ts";
import { Pollable } from "./epoll.ts";
import { OpenFile } from "./open-file.ts";
import { Pipe, PipeEnd } from "./pipes.ts";
import { type Behaviour, Process } from "./process.ts";
import type { Node, Tree } from "./tree.ts";

const FIRST_PID = 5000;

/** pidfd_open(2). */
class PidFd extends Pollable {
  override readonly isOfChild = true;

  constructor(private readonly process: Process) {
    super();
    process.pidfds.add(this);
  }

  describe(): string {
    return `a pidfd of ${this.process.describe()}`;
  }

  poll(): number {
    return this.process.state === "running" ? 0 : EPOLLIN;
  }

  ended(): void {
    this.wake(EPOLLIN);
  }

  closed(): void {
    this.forgetWatches();
    this.process.pidfds.delete(this);
  }
}

export class Processes {
  /** Number of processes started. */
  started = 0;
  /** Highest number that ran at the same time. */
  most = 0;
  /** Capacity of the next pipe, in pages. */
  pages: () => number;
  private readonly programs = new Map<string, Behaviour>();
  /** Running processes and zombies. */
  private readonly alive = new Map<number, Process>();
  private readonly reaped = new Set<number>();
  /** Process groups to which a signal was sent. */
  private readonly killed = new Set<number>();
  private nextPid = FIRST_PID;

  constructor(
    private readonly environment: Environment,
    private readonly descriptors: Descriptors,
    private readonly tree: Tree,
  ) {
    this.pages = () => environment.random.between(1, 16);
  }

  // Calls of the world

  /** Installs the program `behaviour` as an executable at `path`. */
  install(path: string, behaviour: Behaviour): void {
    this.tree.file(path, "#!", 0o755);
    this.programs.set(path, behaviour);
  }

  /** Children that are not reaped, and living processes of groups that got a signal. A child that exits by itself may leave processes. */
  left(): string[] {
    const isLeft = ({ isChild, group, doomed }: Process) => isChild || (this.killed.has(group) && !doomed);
    const ours = [...this.alive.values()].filter(isLeft);
    return ours.map((process) => process.describe());
  }

  /** The running processes, including grandchildren. */
  running(): Process[] {
    return [...this.alive.values()].filter(({ state }) => state === "running");
  }

  /** Called when the server has ended. Init takes its children, and groups that got a signal are no longer checked. */
  orphan(): void {
    this.killed.clear();
    for (const process of this.alive.values()) process.orphan();
  }

  // System calls

  pipe(into: number[], ours: 0 | 1): number {
    const failure = this.environment.faults.failure("EMFILE", "ENFILE");
    if (failure < 0) return failure;
    const pipe = new Pipe(this.environment, this.pages(), ours === 0 ? "reading" : "writing");
    const reading = this.descriptors.open(pipe.reading);
    if (reading < 0) return reading;
    const writing = this.descriptors.open(pipe.writing);
    if (writing < 0) {
      this.descriptors.close(reading).closed();
      return writing;
    }
    into[0] = reading;
    into[1] = writing;
    return 0;
  }

  spawn(program: Program): number {
    this.check(program);
    const { faults } = this.environment;
    if (faults.strikes("EAGAIN of spawn")) return -ERRNO.EAGAIN;
    const failure = faults.failure("ENOMEM") || this.refusal(program);
    if (failure < 0) return failure;
    const ends = [program.stdin, program.stdout, program.stderr].map((fd) => this.descriptors.get(fd));
    return this.add(program, ends as (PipeEnd | OpenFile)[]);
  }

  private add(program: Program, ends: (PipeEnd | OpenFile)[]): number {
    const behaviour = [program.path, ...program.args].map((path) => this.programs.get(path)).findLast(Boolean);
    const process = this.enter(program, ends, null);
    process.runs(behaviour ?? absent);
    this.started++;
    this.most = Math.max(this.most, this.running().filter(({ isChild }) => isChild).length);
    return process.pid;
  }

  /** A new process; `parent` null: the server. */
  private enter(program: Program, ends: (PipeEnd | OpenFile)[], parent: Process | null): Process {
    const pid = this.nextPid++;
    const process = new Process(this.environment, pid, parent?.group ?? pid, parent === null, program, ends, {
      fork: () => this.enter(program, process.openEnds(), process),
      ended: () => !process.isChild && this.alive.delete(pid),
    });
    this.alive.set(pid, process);
    return process;
  }

  /** Throws if the child would get the wrong descriptors. */
  private check({ stdin, stdout, stderr, args, environment, path }: Program): void {
    const demand = (fd: number, direction: "reading" | "writing") => {
      const end = this.descriptors.get(fd);
      if (end instanceof OpenFile) return end.demand(direction);
      const fits = end instanceof PipeEnd && end.direction === direction && end.blocking;
      if (!fits) throw new Misuse(`spawn: ${end.describe()} is not for ${direction} by a child`);
    };
    demand(stdin, "reading");
    demand(stdout, "writing");
    demand(stderr, "writing");
    if (!path.startsWith("/") || args.length === 0) throw new Misuse(`spawn: ${path} [${args}]`);
    for (const text of [path, ...args, ...environment]) {
      if (/[\0\u0100-\uffff]/.test(text)) throw new Misuse(`spawn: ${JSON.stringify(text)} is not octets`);
    }
    const bad = environment.find((text) => !/^[A-Za-z_][A-Za-z0-9_]*=/.test(text));
    if (bad !== undefined) throw new Misuse(`spawn: the variable ${JSON.stringify(bad)}`);
  }

  /** execve(2), and chdir(2) before it. */
  private refusal({ path, folder }: Program): number {
    const place = this.at(folder);
    if (typeof place === "number") return place;
    if (!place.is(S_IFDIR)) return -ERRNO.ENOTDIR;
    const program = this.at(path);
    if (typeof program === "number") return program;
    return program.is(S_IFREG) && program.permits(1) ? 0 : -ERRNO.EACCES;
  }

  private at(path: string): Node | number {
    const walk = { from: this.tree.root, beneath: false, refuseLinks: false, followLast: true };
    const place = this.tree.resolve(path, walk);
    return typeof place === "number" ? place : (place.node ?? -ERRNO.ENOENT);
  }

  pidfdOpen(pid: number): number {
    const process = this.child(pid, "pidfd_open of");
    const failure = this.environment.faults.failure("EMFILE", "ENFILE", "ENOMEM");
    if (failure < 0) return failure;
    return this.descriptors.full ? -ERRNO.EMFILE : this.descriptors.open(new PidFd(process));
  }

  wait(pid: number): number {
    const process = this.child(pid, "waiting for");
    if (process.state === "running") return -ERRNO.EAGAIN;
    this.alive.delete(pid);
    this.reaped.add(pid);
    return process.status;
  }

  /** Sends a signal to the group -pid. The leader is in the group until it is reaped. */
  kill(pid: number, signal: number): number {
    if (pid >= 0) throw new Misuse(`kill(${pid}): a script is killed with its group`);
    this.child(-pid, "killing the group of");
    const group = [...this.alive.values()].filter((process) => process.group === -pid);
    for (const process of group) process.signal(signal);
    this.killed.add(-pid);
    return 0;
  }

  private child(pid: number, what: string): Process {
    const process = this.alive.get(pid);
    if (process?.isChild) return process;
    throw new Misuse(`${what} ${pid}, which ${this.reaped.has(pid) ? "has been reaped" : "is no child"}`);
  }
}

/** The behaviour of an interpreter whose script is missing. */
const absent: Behaviour = function* (process) {
  yield* process.complains(`cannot open ${process.program.args.at(-1)}\n`);
  return 127;
};
