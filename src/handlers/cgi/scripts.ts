/** All scripts of a server: limits how many run at once (cgi_max_processes), queues the others (cgi_queue), and kills them when the server stops. */
import type { Reactor, Unfinished } from "../../network/reactor.ts";
import { Timed } from "../../network/timers.ts";

/** A script that is to be started. */
export interface Candidate {
  /** Starts it: it has a slot, until `ended`. */
  launch(): void;
  /** There was no slot in time. */
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

/** Turns of the reactor that `stop` waits for, at most, until the killed scripts are reaped; ms of each. */
const STOP_TURNS = 50;
const STOP_TURN = 10;

/**
 * Most starts in one turn. Each blocks the loop until the new process has executed its program (vfork(2)), some ms on a busy
 * machine, and clients are to be served in between.
 */
const STARTS_PER_TURN = 4;

export class Scripts implements Unfinished {
  private readonly queue: Waiting[] = [];
  private readonly running = new Set<Running>();
  /** Candidates that have a slot and start in one of the next turns. */
  private readonly starting: Candidate[] = [];
  /** Slots taken by scripts that run or start. */
  private taken = 0;
  private admitting = false;
  private handingOver = false;
  /** Starts in the turn at `turnAt`. */
  private starts = 0;
  private turnAt = 0;

  constructor(private readonly reactor: Reactor) {}

  /** Starts `candidate` as soon as there is a slot; refuses it if there is none in time, or at once if the queue is full. */
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

  /** Removes a candidate whose client has left before it was started. */
  leaveQueue(candidate: Candidate): void {
    const at = this.queue.findIndex((waiting) => waiting.candidate === candidate);
    if (at >= 0) this.take(at);
    const ready = this.starting.indexOf(candidate);
    if (ready < 0) return;
    this.starting.splice(ready, 1);
    this.free();
  }

  /** `script` runs. Until `ended` it is killed when the server stops. */
  started(script: Running): void {
    this.running.add(script);
  }

  /** `script` has been reaped, or could not be started: its slot is free. */
  ended(script: Running): void {
    this.running.delete(script);
    this.free();
  }

  /** Calls `next` for a script that is about to end. A candidate that enters during the call may wait for its slot, even if the queue is full. */
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
   * Gives free slots to the queue. A candidate that can't be started gives its slot back at once; `admitting` keeps a queue of
   * such candidates from becoming a recursion.
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

  /** Index of the first candidate in the queue for which there is a slot; -1: none. */
  private nextWaiting(): number {
    return this.queue.findIndex((waiting) => this.taken < waiting.most);
  }

  /** Removes a candidate from the queue. */
  private take(at: number): Candidate {
    const [waiting] = this.queue.splice(at, 1);
    waiting!.timerList?.stop(waiting!);
    return waiting!.candidate;
  }

  /** The server stops: empties the queue, kills what runs, and waits until it is reaped. */
  stop(): void {
    for (const waiting of this.queue.splice(0)) waiting.timerList?.stop(waiting);
    this.starting.length = 0;
    for (const script of this.running) script.kill();
    for (let turns = STOP_TURNS; turns > 0 && this.running.size > 0; turns--) this.reactor.turn(STOP_TURN);
  }
}
