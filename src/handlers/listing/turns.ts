/** Work that many clients want at once, in steps: so many in a turn of the loop altogether, and everyone in turn. */
export class Turns<Worker> {
  private readonly waiting = new Set<Worker>();
  private readonly called = new Set<Worker>();
  private spare = 0;
  private turn = Number.NaN;

  /** @param steps what one turn of the loop may cost */
  constructor(private readonly steps: number) {}

  /** Whether `worker` may do one step now; `now` tells one turn of the loop from another. If not, it asks again in the next. */
  take(worker: Worker, now: number): boolean {
    if (now !== this.turn) this.begin(now);
    if (this.called.delete(worker)) return true;
    if (this.waiting.size === 0 && this.spare > 0) return this.spare-- > 0;
    this.waiting.add(worker);
    return false;
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
    for (const worker of this.waiting) {
      if (this.called.size === this.steps) break;
      this.waiting.delete(worker);
      this.called.add(worker);
    }
    this.spare = this.steps - this.called.size;
  }
}
