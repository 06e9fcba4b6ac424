/** Networks with values, of which the narrowest counts; in the end intervals without overlaps. */
import type { Networks } from "../../tables/tables.ts";
import { Intervals } from "./intervals.ts";

/** The networks of one family while a table is read. Addresses are numbers: of IPv4 `number`, of IPv6 `bigint`. */
abstract class NetworkSet<T extends number | bigint> {
  /** Index of the value, by address and number of bits in one: sorted, a network is before those within it. */
  private readonly entries = new Map<T, number>();

  protected abstract key(address: T, bits: number): T;
  protected abstract sorted(keys: Iterable<T>): Iterable<T>;
  protected abstract networkOf(key: T): { readonly start: T; readonly end: T };
  protected abstract readonly last: T;
  protected abstract next(address: T): T;
  protected abstract words(address: T): readonly number[];

  /** Adds a network or gives it another value. Gives the index of the value it had; undefined: it is new. */
  set(address: T, bits: number, value: number): number | undefined {
    const key = this.key(address, bits);
    const before = this.entries.get(key);
    this.entries.set(key, value);
    return before;
  }

  /** False: there is no such network. */
  delete(address: T, bits: number): boolean {
    return this.entries.delete(this.key(address, bits));
  }

  /** @param fallback index of the value of addresses in none of the networks */
  intervals(fallback: number): Networks {
    const zero = this.words(this.last).map(() => 0);
    const intervals = new Intervals(zero.length);
    intervals.add(zero, fallback);
    const around = [{ end: this.last, value: fallback }];
    const leave = (): void => {
      const { end } = around.pop()!;
      const outer = around.at(-1)!;
      if (end < outer.end) intervals.add(this.words(this.next(end)), outer.value);
    };
    for (const key of this.sorted(this.entries.keys())) {
      const { start, end } = this.networkOf(key);
      while (around.at(-1)!.end < start) leave();
      const value = this.entries.get(key)!;
      around.push({ end, value });
      intervals.add(this.words(start), value);
    }
    while (around.length > 1) leave();
    return intervals.table;
  }
}

export class Networks4 extends NetworkSet<number> {
  protected readonly last = 0xffffffff;
  protected key = (address: number, bits: number): number => address * 64 + bits;
  protected sorted = (keys: Iterable<number>): Float64Array => Float64Array.from(keys).sort();
  protected next = (address: number): number => address + 1;
  protected words = (address: number): number[] => [address];

  protected networkOf(key: number): { start: number; end: number } {
    const start = Math.floor(key / 64);
    return { start, end: start + 2 ** (32 - (key % 64)) - 1 };
  }
}

export class Networks6 extends NetworkSet<bigint> {
  protected readonly last = (1n << 128n) - 1n;
  protected key = (address: bigint, bits: number): bigint => (address << 8n) | BigInt(bits);
  protected sorted = (keys: Iterable<bigint>): bigint[] => [...keys].sort((a, b) => (a < b ? -1 : 1));
  protected next = (address: bigint): bigint => address + 1n;
  protected words = (address: bigint): number[] =>
    [96n, 64n, 32n, 0n].map((shift) => Number((address >> shift) & 0xffffffffn));

  protected networkOf(key: bigint): { start: bigint; end: bigint } {
    const start = key >> 8n;
    return { start, end: start | (this.last >> (key & 255n)) };
  }
}

/** The number of an IPv6 address of 16 bytes. */
export const number6 = (bytes: readonly number[]): bigint => BigInt(`0x${Buffer.from(bytes).toString("hex")}`);
