/** A limit of bytes per second. As in nginx, what a second allows may pass at once at the beginning. */
export class Rate {
  private passed = 0;

  /** @param start monotonic time in ms from which it counts @param free bytes that are not counted */
  constructor(
    private readonly bytes: number,
    private readonly start: number,
    private readonly free = 0,
  ) {}

  /** Bytes that may pass now; 0 rather than very few. */
  allowance(now: number): number {
    const allowed = Math.floor((this.bytes * (now - this.start + 1000)) / 1000) + this.free - this.passed;
    return allowed < Math.min(this.bytes / 20, 1024) ? 0 : allowed;
  }

  pass(bytes: number): void {
    this.passed += bytes;
  }
}
