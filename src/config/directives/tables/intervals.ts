/** Collects intervals of addresses in the order of their starts. */
import type { Networks } from "../../tables/tables.ts";

export class Intervals {
  private readonly starts: number[] = [];
  private readonly values: number[] = [];

  /** @param words of an address: 1 or 4 */
  constructor(private readonly words: number) {}

  /** Begins an interval, which ends that before; one that begins at the same address replaces it. The first one begins at 0. */
  add(start: readonly number[], value: number): void {
    if (this.isLatest(start)) {
      this.values.pop();
      this.starts.length -= this.words;
    }
    if (this.values.at(-1) === value) return;
    for (const word of start) this.starts.push(word);
    this.values.push(value);
  }

  private isLatest(start: readonly number[]): boolean {
    const at = this.starts.length - this.words;
    if (at < 0) return false;
    for (let i = 0; i < this.words; i++) if (start[i] !== this.starts[at + i]) return false;
    return true;
  }

  get table(): Networks {
    return { starts: Uint32Array.from(this.starts), values: Uint32Array.from(this.values) };
  }
}
