/** All scripts of a server: how many run at once (cgi_max_processes), who waits for a place (cgi_queue), and their end when it stops. */
import type { Reactor, Unfinished } from "../../network/reactor.ts";
import { Timed } from "../../network/timers.ts";

/** One who wants to start a script. */
export interface Candidate {
  /** There is a place, and it is this one's until `ended`. */
  launch(): void;
  /** There was none in time. */
  refuse(): void;
}

/** A script that runs. */
export interface Running {
  kill(): void;
}

export interface Limits {
  readonly cgiMaxProcesses: number;
  readonly cgiQueue: { readonly length: number; readonly wait: number };
}

/** A candidate in the queue. */
class Waiting extends Timed {
  constructor(
    private readonly scripts: Scripts,
    readonly candidate: Candidate,
    readonly most: number,
  ) {
    super();
  }

  onTimeout(): void {
    this.scripts.leaveQueue(this.candidate);
    this.candidate.refuse();
  }
}

/** How often `stop` lets the reactor turn, and for how long, until the killed are reaped. */
const STOP_TURNS = 50;
const STOP_TURN = 10;

/**
 * Starts in one turn: each stops the loop until the new process has its program (vfork(2)), some ms on a busy machine, and
 * others want to be served between them.
 */
const STARTS_PER_TURN = 4;

export class Scripts implements Unfinished {
  private readonly queue: Waiting[] = [];
  private readonly running = new Set<Running>();
  /** They have a place and start in one of the next turns. */
  private readonly starting: Candidate[] = [];
  /** Places taken: by those that run, and that start. */
  private taken = 0;
  private admitting = false;
  private handingOver = false;
  /** How many have been started in the turn at `turnAt`. */
  private starts = 0;
  private turnAt = 0;

  constructor(private readonly reactor: Reactor) {}

  /** Starts `candidate` as soon as there is a place, or refuses it: at once when the queue is full. */
  enter(candidate: Candidate, { cgiMaxProcesses, cgiQueue }: Limits): void {
    if (this.taken < cgiMaxProcesses) return this.admit(candidate);
    if (this.queue.length >= cgiQueue.length && !this.handingOver) return candidate.refuse();
    const waiting = new Waiting(this, candidate, cgiMaxProcesses);
    if (this.handingOver) this.queue.unshift(waiting);
    else this.queue.push(waiting);
    this.reactor.timers.start(waiting, cgiQueue.wait, this.reactor.now);
  }

  private admit(candidate: Candidate): void {
    this.taken++;
    if (this.starting.length === 0 && this.mayStart()) return candidate.launch();
    if (this.starting.length === 0) this.reactor.again(this);
    this.starting.push(candidate);
  }

  private mayStart(): boolean {
    if (this.turnAt !== this.reactor.now) this.starts = 0;
    this.turnAt = this.reactor.now;
    return this.starts++ < STARTS_PER_TURN;
  }

  onTurn(): void {
    while (this.starting.length > 0 && this.mayStart()) this.starting.shift()!.launch();
    if (this.starting.length > 0) this.reactor.again(this);
  }

  /** Its client has left before it was started. */
  leaveQueue(candidate: Candidate): void {
    const at = this.queue.findIndex((waiting) => waiting.candidate === candidate);
    if (at >= 0) this.take(at);
    const ready = this.starting.indexOf(candidate);
    if (ready < 0) return;
    this.starting.splice(ready, 1);
    this.free();
  }

  /** It runs now; until `ended` it is killed with the server. */
  started(script: Running): void {
    this.running.add(script);
  }

  /** It has been reaped, or could not be started: its place is free again. */
  ended(script: Running): void {
    this.running.delete(script);
    this.free();
  }

  /** Calls `next` for a script that is as good as over: whoever enters meanwhile may wait for its place, even if the queue is full. */
  handOver(next: () => void): void {
    this.handingOver = true;
    try {
      next();
    } finally {
      this.handingOver = false;
    }
  }

  private free(): void {
    this.taken--;
    this.admitWaiting();
  }

  /**
   * Gives free places to those who wait. Those who cannot be started give them back before `start` returns: a whole queue of
   * them must not become calls within calls.
   */
  private admitWaiting(): void {
    if (this.admitting) return;
    this.admitting = true;
    try {
      for (let next = this.nextWaiting(); next >= 0; next = this.nextWaiting()) this.admit(this.take(next));
    } finally {
      this.admitting = false;
    }
  }

  /** The first in the queue for whom there is a place; -1: none. */
  private nextWaiting(): number {
    return this.queue.findIndex((waiting) => this.taken < waiting.most);
  }

  /** Takes one out of the queue. */
  private take(at: number): Candidate {
    const [waiting] = this.queue.splice(at, 1);
    waiting!.timerList?.stop(waiting!);
    return waiting!.candidate;
  }

  /** The server stops: nothing waits any more, and what runs is killed and reaped. */
  stop(): void {
    for (const waiting of this.queue.splice(0)) waiting.timerList?.stop(waiting);
    this.starting.length = 0;
    for (const script of this.running) script.kill();
    for (let turns = STOP_TURNS; turns > 0 && this.running.size > 0; turns--) this.reactor.turn(STOP_TURN);
  }
}
