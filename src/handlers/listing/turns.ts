/** Work that many clients want at once, in steps: so much in a turn of the loop altogether, and everyone in turn. */
export class Turns<Worker> {
  /** Who waits, and what the step costs. */
  private readonly waiting = new Map<Worker, number>();
  private readonly called = new Set<Worker>();
  private spare = 0;
  private turn = Number.NaN;

  /** @param steps what one turn of the loop may cost */
  constructor(private readonly steps: number) {}

  /**
   * Whether `worker` may do one step now, which costs `cost`; `now` tells one turn of the loop from another. If not, it asks
   * again in the next.
   */
  take(worker: Worker, now: number, cost = 1): boolean {
    if (now !== this.turn) this.begin(now);
    if (this.called.delete(worker)) return true;
    if (this.takeNow(now, cost)) return true;
    this.waiting.set(worker, cost);
    return false;
  }

  /** As `take`, for work that is not going to wait: if not now, it is not done. */
  takeNow(now: number, cost: number): boolean {
    if (now !== this.turn) this.begin(now);
    if (this.waiting.size > 0 || this.spare < cost) return false;
    this.spare -= cost;
    return true;
  }

  /** Work that could not wait: others find less. */
  charge(now: number, cost: number): void {
    if (now !== this.turn) this.begin(now);
    this.spare -= cost;
  }

  /** `worker` will not ask again. */
  leave(worker: Worker): void {
    this.waiting.delete(worker);
    this.called.delete(worker);
  }

  /** Those who wait longest are called. Who did not come when called loses the step, or the absent would keep all others waiting. */
  private begin(now: number): void {
    this.turn = now;
    this.called.clear();
    this.spare = this.steps;
    for (const [worker, cost] of this.waiting) {
      if (this.spare < cost && this.called.size > 0) break;
      this.waiting.delete(worker);
      this.called.add(worker);
      this.spare -= cost;
    }
  }
}
