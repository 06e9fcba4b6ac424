/**
 * Limits how many handshakes begin in a turn of the loop: each holds it for some tenths of a millisecond, and the clients that are
 * connected already must not wait for a flood of new ones.
 */
import type { Reactor } from "../reactor.ts";

const HANDSHAKES_PER_TURN = 4;

/** A connection that waits for its handshake. */
interface Waiting {
  /** It may try again. */
  onTurn(): void;
}

export class Handshakes {
  private turn = -1;
  private left = 0;
  private readonly waiting = new Set<Waiting>();
  private queued = false;

  constructor(private readonly reactor: Pick<Reactor, "turns" | "again">) {}

  /** Whether `one` may begin its handshake now; if not, its `onTurn` is called in a later turn. */
  mayBegin(one: Waiting): boolean {
    const { turns } = this.reactor;
    if (turns !== this.turn) {
      this.turn = turns;
      this.left = HANDSHAKES_PER_TURN;
    }
    if (this.left > 0) {
      this.left--;
      this.waiting.delete(one);
      return true;
    }
    this.waiting.add(one);
    this.ask();
    return false;
  }

  /** Forgets a connection that ends. */
  leave(one: Waiting): void {
    this.waiting.delete(one);
  }

  private ask(): void {
    if (this.queued) return;
    this.queued = true;
    this.reactor.again(this);
  }

  /** Lets those who wait longest try. */
  onTurn(): void {
    this.queued = false;
    let calls = 0;
    for (const one of this.waiting) {
      if (++calls > HANDSHAKES_PER_TURN) break;
      this.waiting.delete(one);
      one.onTurn();
    }
    if (this.waiting.size > 0) this.ask();
  }
}
