/** Computes the hashes of passwords: in threads of the runtime (bcrypt), or in the loop, some rounds in each turn. */
import type { CheckBcrypt } from "../../../ffi/bcrypt.ts";
import type { Reactor, Unfinished } from "../../network/reactor.ts";
import type { RoundsCheck } from "./schemes/rounds.ts";

/** Most bcrypt hashes in threads at once: more would take the processors from the loop. */
const MOST_THREADS = 2;
/** Most checks of both kinds, waiting or in progress; further requests get 503. */
const MOST = 256;

/** One password and the hash it is checked against. Octets, but for the password. */
export interface Job {
  readonly password: Uint8Array;
  readonly hash: string;
  /** null: bcrypt. */
  readonly rounds: RoundsCheck | null;
  readonly done: (right: boolean) => void;
}

export class Verifications implements Unfinished {
  private waiting: Job[] = [];
  private inLoop: Job[] = [];
  private readonly finished: (() => void)[] = [];
  private threads = 0;
  private asked = false;

  constructor(
    private readonly reactor: Reactor,
    private readonly checkBcrypt: CheckBcrypt,
  ) {}

  /** Whether another may begin. */
  get full(): boolean {
    return this.waiting.length + this.inLoop.length + this.threads >= MOST;
  }

  /** Begins one; `done` is called in a later turn of the loop. */
  begin(job: Job): void {
    if (job.rounds === null) this.waiting.push(job);
    else this.inLoop.push(job);
    this.startThreads();
    if (this.inLoop.length > 0) this.askForTurn();
  }

  /** Nobody wants the result any more. False: a thread works on it, so `done` is still called. */
  cancel(job: Job): boolean {
    const others = (jobs: readonly Job[]): Job[] => jobs.filter((other) => other !== job);
    const before = this.waiting.length + this.inLoop.length;
    this.waiting = others(this.waiting);
    this.inLoop = others(this.inLoop);
    return this.waiting.length + this.inLoop.length < before;
  }

  /** Gives results, then does one share of rounds: the one whose turn it is goes to the end, so none waits for all of another. */
  onTurn(): void {
    this.asked = false;
    for (const give of this.finished.splice(0)) give();
    this.startThreads();
    const job = this.inLoop.shift();
    if (job !== undefined) this.work(job);
    if (this.inLoop.length + this.finished.length > 0) this.askForTurn();
  }

  private work(job: Job): void {
    const right = job.rounds!.step(job.rounds!.share);
    if (right === undefined) this.inLoop.push(job);
    else job.done(right);
  }

  private startThreads(): void {
    while (this.threads < MOST_THREADS && this.waiting.length > 0) {
      const job = this.waiting.shift()!;
      this.threads++;
      this.reactor.expect();
      this.checkBcrypt(job.password, job.hash, (right) => this.threadEnded(job, right));
    }
  }

  /** Called by the runtime between turns of the loop: the result is reported in the next turn. */
  private threadEnded(job: Job, right: boolean): void {
    this.threads--;
    this.reactor.arrived();
    this.finished.push(() => job.done(right));
    this.askForTurn();
  }

  private askForTurn(): void {
    if (this.asked) return;
    this.asked = true;
    this.reactor.again(this);
  }
}
