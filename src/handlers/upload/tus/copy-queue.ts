/** Files that are copied inside the server, one piece in each turn of the loop, however many there are. */
import type { Services } from "../../../exchange/services.ts";

/** Something that copies. */
export interface Copying {
  /** Copies the next piece; false: it is over. */
  step(): boolean;
  /** `step` has thrown. */
  crash(error: unknown): void;
}

/** Those that copy take turns. */
export class CopyQueue {
  private readonly waiting: Copying[] = [];

  constructor(private readonly services: Services) {}

  /** It begins in the next turn. */
  add(copying: Copying): void {
    this.waiting.push(copying);
    if (this.waiting.length === 1) this.services.reactor.again(this);
  }

  onTurn(): void {
    const first = this.waiting[0]!; // it stays there meanwhile, so that `add` knows that there is a next turn
    const goesOn = this.goesOn(first);
    this.waiting.shift();
    if (goesOn) this.waiting.push(first);
    if (this.waiting.length > 0) this.services.reactor.again(this);
  }

  private goesOn(copying: Copying): boolean {
    try {
      return copying.step();
    } catch (error) {
      copying.crash(error);
      return false;
    }
  }
}
