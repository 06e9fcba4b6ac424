/** Networks with values, of which the narrowest counts; in the end intervals without overlaps. */
import type { Networks } from "../../tables/tables.ts";

/** The networks of one family while a table is read. */
export class NetworkSet {
  /** Index of the value, by the address in hexadecimal digits and the number of bits as two more: sorted, a network is before those within it. */
  private readonly entries = new Map<string, number>();

  /** @param bytes of an address: 4 or 16 */
  constructor(private readonly bytes: 4 | 16) {}

  /** Adds a network or gives it another value. Gives the index of the value it had; undefined: it is new. */
  set(address: readonly number[], bits: number, value: number): number | undefined {
    const key = keyOf(address, bits);
    const before = this.entries.get(key);
    this.entries.set(key, value);
    return before;
  }

  /** False: there is no such network. */
  delete(address: readonly number[], bits: number): boolean {
    return this.entries.delete(keyOf(address, bits));
  }

  /** @param fallback index of the value of addresses in none of the networks */
  intervals(fallback: number): Networks {
    const intervals = new Intervals(this.bytes);
    const around: { readonly end: bigint; readonly value: number }[] = [{ end: intervals.last, value: fallback }];
    intervals.add(0n, fallback);
    const leave = (): void => {
      const { end } = around.pop()!;
      const outer = around.at(-1);
      if (outer !== undefined && end < outer.end) intervals.add(end + 1n, outer.value);
    };
    for (const [key, value] of [...this.entries].sort(([a], [b]) => (a < b ? -1 : 1))) {
      const start = BigInt(`0x${key.slice(0, -2)}`);
      const bits = Number.parseInt(key.slice(-2), 16);
      while (around.at(-1)!.end < start) leave();
      around.push({ end: start | (intervals.last >> BigInt(bits)), value });
      intervals.add(start, value);
    }
    while (around.length > 0) leave();
    return intervals.table;
  }
}

const HEX: readonly string[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

function keyOf(address: readonly number[], bits: number): string {
  let key = "";
  for (const byte of address) key += HEX[byte];
  return key + HEX[bits];
}

/** Intervals in the order of their starts. */
class Intervals {
  /** The greatest address. */
  readonly last: bigint;
  private readonly words: number;
  private readonly starts: number[] = [];
  private readonly values: number[] = [];
  private latest = -1n;

  constructor(bytes: 4 | 16) {
    this.words = bytes / 4;
    this.last = (1n << BigInt(bytes * 8)) - 1n;
  }

  /** Begins an interval, which ends that before; one that begins at the same address replaces it. */
  add(start: bigint, value: number): void {
    if (start === this.latest) this.drop();
    if (this.values.at(-1) === value) return;
    for (let word = this.words - 1; word >= 0; word--) {
      this.starts.push(Number((start >> BigInt(32 * word)) & 0xffffffffn));
    }
    this.values.push(value);
    this.latest = start;
  }

  private drop(): void {
    this.values.pop();
    this.starts.length -= this.words;
  }

  get table(): Networks {
    return { starts: Uint32Array.from(this.starts), values: Uint32Array.from(this.values) };
  }
}
