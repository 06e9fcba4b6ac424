/** Limits the work of all clients in one turn of the loop, and shares it out fairly: those who wait longest come first. */
export class TurnBudget<Worker> {
  /** The waiting workers, with the cost of their next step. */
  private readonly waiting = new Map<Worker, number>();
  private readonly granted = new Set<Worker>();
  private spare = 0;
  private turn = Number.NaN;

  /** @param steps the limit per turn, in the unit of the costs */
  constructor(private readonly steps: number) {}

  /**
   * Whether `worker` may do a step of cost `cost` now; `now` identifies the turn of the loop. If not, the worker waits and asks
   * again in the next turn.
   */
  take(worker: Worker, now: number, cost = 1): boolean {
    if (now !== this.turn) this.begin(now);
    if (this.granted.delete(worker)) return true;
    if (this.takeNow(now, cost)) return true;
    this.waiting.set(worker, cost);
    return false;
  }

  /** As `take`, for work that does not wait: if it may not be done now, it is skipped. */
  takeNow(now: number, cost: number): boolean {
    if (now !== this.turn) this.begin(now);
    if (this.waiting.size > 0 || this.spare < cost) return false;
    this.spare -= cost;
    return true;
  }

  /** Charges work that was done without asking; less is left for others. */
  charge(now: number, cost: number): void {
    if (now !== this.turn) this.begin(now);
    this.spare -= cost;
  }

  /** Forgets `worker`, which will not ask again. */
  leave(worker: Worker): void {
    this.waiting.delete(worker);
    this.granted.delete(worker);
  }

  /** Begins a turn: grants steps to those who wait longest. A grant that was not used is lost, so that absent workers do not block the others. */
  private begin(now: number): void {
    this.turn = now;
    this.granted.clear();
    this.spare = this.steps;
    for (const [worker, cost] of this.waiting) {
      if (this.spare < cost && this.granted.size > 0) break;
      this.waiting.delete(worker);
      this.granted.add(worker);
      this.spare -= cost;
    }
  }
}
