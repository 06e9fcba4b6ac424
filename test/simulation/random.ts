/** Randomness as a function of a seed: sfc32 (Chris Doty-Humphrey, PractRand), 32 bits a step. */
export class Random {
  private a: number;
  private b: number;
  private c = 0x9e3779b9;
  private counter = 1;

  /** @param seed any integer; the same seed always gives the same numbers */
  constructor(seed: number) {
    this.a = seed | 0;
    this.b = Math.floor(seed / 2 ** 32) | 0;
    for (let warmUp = 0; warmUp < 15; warmUp++) this.bits();
  }

  /** 32 random bits as an unsigned integer. */
  bits(): number {
    const result = (this.a + this.b + this.counter) | 0;
    this.counter = (this.counter + 1) | 0;
    this.a = this.b ^ (this.b >>> 9);
    this.b = (this.c + (this.c << 3)) | 0;
    this.c = (((this.c << 21) | (this.c >>> 11)) + result) | 0;
    return result >>> 0;
  }

  /** At least 0, below 1. */
  fraction(): number {
    return this.bits() / 2 ** 32;
  }

  /** True with this probability. If it is 0, no number is drawn, so that a disabled fault does not change the run. */
  chance(probability: number): boolean {
    return probability > 0 && this.fraction() < probability;
  }

  /** An integer from `low` to `high`, both included. */
  between(low: number, high: number): number {
    return low + Math.floor(this.fraction() * (high - low + 1));
  }

  /** Like `between`, but with a uniform logarithm, so small values are as likely as large ones. `low` must be at least 1. */
  magnitude(low: number, high: number): number {
    return Math.min(high, Math.floor(low * Math.exp(this.fraction() * Math.log((high + 1) / low))));
  }

  pick<T>(from: readonly T[]): T {
    return from[this.between(0, from.length - 1)] as T;
  }

  /** A new stream of numbers, which depends only on this one's state. */
  fork(): Random {
    return new Random(this.bits() * 2 ** 21 + (this.bits() >>> 11));
  }
}
