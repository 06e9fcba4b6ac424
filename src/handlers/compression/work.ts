/** What all compression of one server shares: its time in a turn of the loop, and its memory. */
import { Block } from "../../../ffi/memory.ts";
import type { Clock } from "../../exchange/services.ts";
import { type Acceptance, acceptedCodings } from "../../http/accept-encoding.ts";
import type { RequestHead } from "../../http/request/request.ts";
import { TurnBudget } from "../turn-budget.ts";
import { Compressor } from "./compressor.ts";
import { LARGEST_SLICE, type Method } from "./method.ts";

/** Microseconds of compression in one turn of the loop, over all clients. */
const MICROSECONDS_A_TURN = 2000;
/** Bytes that the libraries may hold for all replies in progress; beyond that, replies are not compressed. */
const MOST_MEMORY = 128 * 1024 * 1024;
/** Most values of Accept-Encoding that are remembered; all browsers together send about ten. */
const MOST_VALUES = 64;
const LONGEST_VALUE = 128;

export class CompressionWork {
  /** Input is read into this block; used only within one call. */
  readonly scratch = new Block(LARGEST_SLICE);
  private readonly budget = new TurnBudget<object>(MICROSECONDS_A_TURN);
  private readonly values = new Map<string, Acceptance>();
  /** Bytes that open compressors hold. */
  memory = 0;

  constructor(private readonly clock: Clock) {}

  /** Whether `worker` may compress one slice now; if not, it asks again in the next turn. */
  mayStep(worker: object, { stepCost }: Method): boolean {
    return this.budget.take(worker, this.clock.turn, stepCost);
  }

  /** `worker` does not ask again. */
  leave(worker: object): void {
    this.budget.leave(worker);
  }

  /** Whether a small body of `bytes` may be compressed now. If not, the caller does something else and does not wait. */
  mayNow(method: Method, bytes: number): boolean {
    return this.budget.takeNow(this.clock.turn, method.costOf(bytes));
  }

  /** Counts a small body of `bytes` that was compressed without asking. */
  charge(method: Method, bytes: number): void {
    this.budget.charge(this.clock.turn, method.costOf(bytes));
  }

  /** A compressor, which the caller gives back with `close`; null: too much memory is in use. */
  open(method: Method): Compressor | null {
    if (this.memory + method.memory > MOST_MEMORY) return null;
    this.memory += method.memory;
    return new Compressor(method.coding, method.level);
  }

  close(compressor: Compressor, method: Method): void {
    this.memory -= method.memory;
    compressor.close();
  }

  /** The codings that a request accepts. Remembered, because the same few values come again and again, often with the same head. */
  accepted(request: RequestHead): Acceptance {
    return (request.acceptance ??= this.read(request));
  }

  private read(request: RequestHead): Acceptance {
    const first = request.fieldIndex("accept-encoding");
    if (first < 0) return acceptedCodings(undefined);
    const several = request.fieldIndex("accept-encoding", first + 1) >= 0;
    const value = several ? request.fieldAll("accept-encoding").join(",") : request.fieldValue(first);
    const known = this.values.get(value);
    if (known !== undefined) return known;
    const acceptance = acceptedCodings(value);
    if (value.length > LONGEST_VALUE) return acceptance;
    if (this.values.size >= MOST_VALUES) this.values.clear();
    this.values.set(value, acceptance);
    return acceptance;
  }
}
