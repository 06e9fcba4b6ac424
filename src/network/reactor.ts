/**
 * The event loop: one epoll descriptor for everything that can become ready, timers, and a queue of tasks that have more to
 * do than they may do in one turn (models: redis ae.c, nginx's epoll module).
 */
import { EPOLL_EVENT } from "../../ffi/abi.ts";
import { ERRNO, errnoText } from "../../ffi/errno.ts";
import type { Kernel } from "../../ffi/kernel.ts";
import { Block } from "../../ffi/memory.ts";
import { rethrow, Timers } from "./timers.ts";

/** Something with a descriptor that epoll watches. */
export interface Source {
  readonly fd: number;
  /** Called with the events that epoll_wait(2) reported. */
  onEvents(events: number): void;
}

/** A task that has asked to continue in the next turn. */
export interface Unfinished {
  onTurn(): void;
}

const EVENTS_PER_TURN = 512;
/** A busy loop yields to the runtime after this many turns, or after LONGEST_WAIT; the runtime's garbage collector and signal handlers need it. */
const TURNS_BETWEEN_YIELDS = 16;
/** The longest wait, ms. A signal that arrives between two waits is noticed after at most two of them. */
const LONGEST_WAIT = 1000;
/** The longest wait while a runtime thread is to deliver a result, ms. The result arrives in a turn of the runtime and does not wake epoll. */
const LONGEST_EXPECTANT_WAIT = 2;

export class Reactor {
  readonly timers = new Timers();
  /** Monotonic time in ms, read once per turn. */
  now: number;
  /** Turns so far. The events of a turn had happened before anything that the turn does. */
  turns = 0;
  /** Called when a turn's events are known, before any is handled. `onTurnEnd`: when all are handled, before descriptors are closed. */
  onTurnStart: () => void = () => {};
  onTurnEnd: () => void = () => {};
  /** Called with what a source, timer or task has thrown; the others still get their turn. */
  onError: (error: unknown) => void = rethrow;

  /**
   * Whether a new socket, or a new pipe to write to, is tried at once, which saves a turn. Otherwise nothing is read or written
   * before epoll has reported it. Read when a source is created.
   */
  eager = true;

  private readonly epoll: number;
  private readonly events = new Block(EVENTS_PER_TURN * EPOLL_EVENT.words * 4);
  private readonly words = new Int32Array(this.events.bytes.buffer);
  private readonly sources: (Source | null)[] = [];
  private readonly generations: number[] = [];
  private generation = 0;
  private unfinished: Unfinished[] = [];
  private readonly closing: number[] = [];
  private stopped = false;
  /** Number of results that runtime threads still have to deliver. */
  private expected = 0;

  constructor(private readonly kernel: Kernel) {
    this.epoll = kernel.epollCreate();
    if (this.epoll < 0) throw new Error(`epoll_create1() failed (${errnoText(this.epoll)})`);
    this.now = kernel.monotonic();
  }

  /** Watches `source.fd` for `events`. 0, or -errno. */
  add(source: Source, events: number): number {
    const { fd } = source;
    this.generation = (this.generation + 1) | 0;
    const n = this.kernel.epollAdd(this.epoll, fd, events, this.generation);
    if (n < 0) return n;
    this.sources[fd] = source;
    this.generations[fd] = this.generation;
    return 0;
  }

  /** Watches for `events` instead of the previous ones. 0, or -errno. */
  modify(source: Source, events: number): number {
    return this.kernel.epollModify(this.epoll, source.fd, events, this.generations[source.fd]!);
  }

  /** Stops watching; the descriptor stays open. */
  remove(source: Source): void {
    this.kernel.epollRemove(this.epoll, source.fd);
    this.sources[source.fd] = null;
  }

  /** Stops watching now and closes at the end of the turn, so that no new descriptor gets this number within the turn. */
  close(source: Source): void {
    this.sources[source.fd] = null;
    this.closing.push(source.fd);
  }

  /** Calls `what.onTurn()` in the next turn, which then does not wait for events. */
  again(what: Unfinished): void {
    this.unfinished.push(what);
  }

  /** Announces a result from a runtime thread. Until `arrived`, the runtime gets a turn after each of the loop's, and waits are short. */
  expect(): void {
    this.expected++;
  }

  arrived(): void {
    this.expected--;
  }

  /** The descriptors it watches or still has to close, for tests that check for leaks. */
  *descriptors(): Iterable<number> {
    yield this.epoll;
    for (const source of this.sources) if (source) yield source.fd;
    yield* this.closing;
  }

  /** Waits at most `timeout` ms for events, then handles them. Gives the number of events, or -EINTR. */
  turn(timeout: number): number {
    this.closeAll(); // descriptors closed between two turns must not stay open during the wait
    const n = this.kernel.epollWait(this.epoll, this.events, EVENTS_PER_TURN, this.waitTime(timeout));
    if (n < 0 && n !== -ERRNO.EINTR) throw new Error(`epoll_wait() failed (${errnoText(n)})`); // without waiting, the loop would spin
    this.now = this.kernel.monotonic();
    this.turns++;
    this.onTurnStart();
    this.dispatch(n);
    this.resumeUnfinished();
    this.timers.fire(this.now, this.onError);
    this.onTurnEnd();
    this.closeAll();
    return n;
  }

  /** Runs turns until `stop`. Between turns the runtime gets its own turn, always after a signal or an idle wait. */
  async run(): Promise<void> {
    for (let busy = 0, yielded = this.now; !this.stopped; ) {
      const n = this.turn(LONGEST_WAIT);
      const isSoon = ++busy < TURNS_BETWEEN_YIELDS && this.now - yielded < LONGEST_WAIT;
      if (n > 0 && this.expected === 0 && isSoon) continue;
      await new Promise(setImmediate);
      busy = 0;
      yielded = this.now;
    }
  }

  stop(): void {
    this.stopped = true;
  }

  /** Closes the epoll descriptor; everything else must be closed already. */
  dispose(): void {
    this.closeAll();
    this.kernel.close(this.epoll);
  }

  private waitTime(timeout: number): number {
    if (this.unfinished.length > 0) return 0;
    const left = this.timers.nearest() - this.kernel.monotonic();
    const most = this.expected > 0 ? Math.min(timeout, LONGEST_EXPECTANT_WAIT) : timeout;
    return left >= most ? most : Math.max(0, Math.ceil(left));
  }

  /** Passes events to their sources. The generation differs if the descriptor was closed (and perhaps opened anew) since the event was reported. */
  private dispatch(count: number): void {
    const { words, generations, sources } = this;
    for (let i = 0, at = 0; i < count; i++, at += EPOLL_EVENT.words) {
      const fd = words[at + EPOLL_EVENT.fd]!;
      const source = sources[fd];
      if (!source || generations[fd] !== words[at + EPOLL_EVENT.generation]) continue;
      try {
        source.onEvents(words[at + EPOLL_EVENT.events]!);
      } catch (error) {
        this.onError(error);
      }
    }
  }

  private resumeUnfinished(): void {
    const list = this.unfinished;
    if (list.length === 0) return;
    this.unfinished = [];
    for (const what of list) {
      try {
        what.onTurn();
      } catch (error) {
        this.onError(error);
      }
    }
  }

  private closeAll(): void {
    if (this.closing.length === 0) return;
    for (const fd of this.closing.splice(0)) {
      // EINTR from close(2) on Linux means closed.
      const n = this.kernel.close(fd);
      if (n < 0 && n !== -ERRNO.EINTR) this.closeFailed(fd, n);
    }
  }

  private closeFailed(fd: number, error: number): void {
    if (error === -ERRNO.EBADF) throw new Error(`descriptor ${fd} was closed by someone else`);
  }
}
