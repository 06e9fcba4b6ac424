/** The cost of a coding at a level. The figures were measured (docs/bench.md, gzip); the server counts with them instead of reading the clock, so that a run can be repeated. */
import type { Coding } from "../../http/accept-encoding.ts";

/** Microseconds for 1 KB of text, by level from 0 on. */
const COSTS: Readonly<Record<Coding, readonly number[]>> = {
  gzip: [2, 6, 9, 15, 17, 18, 20, 28, 40, 45],
  br: [7, 8, 12, 14, 24, 40, 44],
  zstd: [5, 5, 6, 7, 9, 13, 17],
};
/** Bytes that the library holds for one reply, by level from 0 on. */
const KILOBYTES: Readonly<Record<Coding, readonly number[]>> = {
  gzip: [300, 300, 300, 300, 300, 300, 300, 300, 300, 300],
  br: [300, 300, 400, 600, 600, 1400, 2800],
  zstd: [300, 300, 600, 900, 1200, 1800, 2800],
};
/** Target duration of a step of compression, microseconds. */
const STEP = 500;
const SMALLEST_SLICE = 4 * 1024;
/** Most bytes of input for one step. */
export const LARGEST_SLICE = 32 * 1024;
/** brotli and zstd gather input and then compress it in one call. After so many bytes they are made to write, which keeps that call short. */
const LARGEST_GATHERED = 16 * 1024;

export class Method {
  /** Bytes of input for one step. */
  readonly slice: number;
  /** Microseconds that a step takes. */
  readonly stepCost: number;
  /** Bytes of input after which all output is written. */
  readonly gathers: number;
  /** Bytes of memory for one reply. */
  readonly memory: number;
  private readonly cost: number;

  constructor(
    readonly coding: Coding,
    readonly level: number,
  ) {
    this.cost = COSTS[coding][level]!;
    const slice = Math.floor(STEP / this.cost) * 1024;
    this.slice = Math.max(SMALLEST_SLICE, Math.min(LARGEST_SLICE, slice));
    this.stepCost = this.costOf(this.slice);
    this.gathers = coding === "gzip" ? Number.POSITIVE_INFINITY : Math.min(this.slice, LARGEST_GATHERED);
    this.memory = KILOBYTES[coding][level]! * 1024;
  }

  /** Microseconds that compressing `bytes` takes, approximately. */
  costOf(bytes: number): number {
    return 20 + Math.ceil((bytes * this.cost) / 1024);
  }
}
