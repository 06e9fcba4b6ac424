/** All scripts of a server: how many run at once (cgi_max_processes), who waits for a place (cgi_queue), and their end when it stops. */
import type { Reactor } from "../../network/reactor.ts";
import { Timed } from "../../network/timers.ts";

/** One who wants to start a script. */
export interface Candidate {
  /** There is a place, and it is this one's until `ended`. */
  start(): void;
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

export class Scripts {
  private readonly queue: Waiting[] = [];
  private readonly running = new Set<Running>();
  /** Places taken: those of the running, and of those that are being started. */
  private taken = 0;
  private admitting = false;

  constructor(private readonly reactor: Reactor) {}

  /** Starts `candidate` now or when there is a place, or refuses it: at once when the queue is full. */
  enter(candidate: Candidate, { cgiMaxProcesses, cgiQueue }: Limits): void {
    if (this.taken < cgiMaxProcesses) return this.admit(candidate);
    if (this.queue.length >= cgiQueue.length) return candidate.refuse();
    const waiting = new Waiting(this, candidate, cgiMaxProcesses);
    this.queue.push(waiting);
    this.reactor.timers.start(waiting, cgiQueue.wait, this.reactor.now);
  }

  private admit(candidate: Candidate): void {
    this.taken++;
    candidate.start();
  }

  /** Its client has left. */
  leaveQueue(candidate: Candidate): void {
    const at = this.queue.findIndex((waiting) => waiting.candidate === candidate);
    if (at >= 0) this.take(at);
  }

  /** It runs now; until `ended` it is killed with the server. */
  started(script: Running): void {
    this.running.add(script);
  }

  /** A place is free again: its script has been reaped, or could not be started. */
  ended(script: Running): void {
    this.running.delete(script);
    this.taken--;
    if (!this.admitting) this.admitWaiting();
  }

  /** Those who cannot be started give their places back before `start` returns: a whole queue of them must not become calls within calls. */
  private admitWaiting(): void {
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
    for (const script of this.running) script.kill();
    for (let turns = STOP_TURNS; turns > 0 && this.running.size > 0; turns--) this.reactor.turn(STOP_TURN);
  }
}
