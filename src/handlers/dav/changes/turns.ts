/** A request whose work takes several turns of the loop. */
import type { Exchange } from "../../../exchange/exchange.ts";
import type { LargeWork, LargeWorkQueue } from "../../large/large-work.ts";

/** Sends the reply. */
export type Reply = () => void;

/** Work that yields where the loop may do something else, and gives the reply. Its `finally` blocks run as well if the client leaves. */
export type Work = Generator<void, Reply>;

/** Does the first piece of the work now, the others one in each turn, then replies. */
export function inTurns(exchange: Exchange, queue: LargeWorkQueue, work: Work): void {
  const task = new Task(exchange, work);
  if (task.step()) queue.add(task);
}

class Task implements LargeWork {
  private isOver = false;

  constructor(
    private readonly exchange: Exchange,
    private readonly work: Work,
  ) {
    exchange.onGone = () => {
      this.isOver = true;
      this.work.return(() => {});
    };
  }

  step(): boolean {
    if (this.isOver) return false;
    const { done, value } = this.work.next();
    if (done !== true) return true;
    this.end();
    value();
    return false;
  }

  crash(error: unknown): void {
    this.end();
    this.exchange.crash(error);
  }

  private end(): void {
    this.isOver = true;
    this.exchange.onGone = null;
  }
}
