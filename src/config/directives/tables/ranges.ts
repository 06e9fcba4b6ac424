/**
 * Ranges of IPv4 addresses with values (`ranges` in `geo`), by nginx's rules: a later range may equal an earlier one, whose value it
 * replaces, or lie within one, which it splits; other overlaps are mistakes. As in nginx these rules are applied in each block of 65,536
 * addresses on its own, so a range of many blocks may be replaced in one of them.
 */
import type { Networks } from "../../tables/tables.ts";
import { Intervals } from "./intervals.ts";

/** Both ends included, within its block. */
interface Range {
  start: number;
  end: number;
  value: number;
}

/** What became of a range that was added: all new, or equal to one with another value, or overlapping one. */
type Added =
  | { readonly kind: "new" }
  | { readonly kind: "replaced"; readonly before: number }
  | { readonly kind: "overlaps"; readonly start: number; readonly end: number };

export class RangeSet {
  private readonly blocks = new Map<number, Range[]>();

  /** Adds the addresses from `start` to `end`, both included. */
  add(start: number, end: number, value: number): Added {
    let added: Added = { kind: "new" };
    for (const [block, piece] of pieces(start, end, value)) {
      let ranges = this.blocks.get(block);
      if (ranges === undefined) this.blocks.set(block, (ranges = []));
      const result = insert(ranges, piece);
      if (result.kind === "overlaps")
        return { ...result, start: join(block, result.start), end: join(block, result.end) };
      if (result.kind === "replaced") added = result;
    }
    return added;
  }

  /** Removes ranges that are exactly these addresses. False: not all of them were there. */
  delete(start: number, end: number): boolean {
    let complete = true;
    for (const [block, piece] of pieces(start, end, 0)) {
      const ranges = this.blocks.get(block) ?? [];
      const at = ranges.findIndex((range) => range.start === piece.start && range.end === piece.end);
      if (at < 0) complete = false;
      else ranges.splice(at, 1);
    }
    return complete;
  }

  /** @param fallback index of the value of addresses in no range */
  intervals(fallback: number): Networks {
    const intervals = new Intervals(1);
    intervals.add([0], fallback);
    for (const [block, ranges] of [...this.blocks].sort(([a], [b]) => a - b)) {
      for (const { start, end, value } of ranges) {
        intervals.add([join(block, start)], value);
        if (join(block, end) < LAST) intervals.add([join(block, end) + 1], fallback);
      }
    }
    return intervals.table;
  }
}

const BLOCK = 0x10000;
const LAST = 0xffffffff;

const join = (block: number, offset: number): number => block * BLOCK + offset;

/** The parts of a range in each block. */
function* pieces(start: number, end: number, value: number): Iterable<[block: number, piece: Range]> {
  const first = Math.floor(start / BLOCK);
  const last = Math.floor(end / BLOCK);
  for (let block = first; block <= last; block++) {
    const from = block === first ? start % BLOCK : 0;
    yield [block, { start: from, end: block === last ? end % BLOCK : BLOCK - 1, value }];
  }
}

/** Inserts a piece into the sorted ranges of a block. It is looked for from the end, because files are mostly sorted. */
function insert(ranges: Range[], piece: Range): Added {
  for (let at = ranges.length - 1; at >= 0; at--) {
    const range = ranges[at]!;
    if (piece.end < range.start) continue;
    if (piece.start > range.end) {
      ranges.splice(at + 1, 0, piece);
      return { kind: "new" };
    }
    return within(ranges, at, range, piece);
  }
  ranges.unshift(piece);
  return { kind: "new" };
}

/** Inserts a piece that meets `range`, which stands at `at`. */
function within(ranges: Range[], at: number, range: Range, piece: Range): Added {
  if (piece.start === range.start && piece.end === range.end) {
    const before = range.value;
    range.value = piece.value;
    return { kind: "replaced", before };
  }
  if (piece.start < range.start || piece.end > range.end)
    return { kind: "overlaps", start: range.start, end: range.end };
  const parts: Range[] = [piece];
  if (piece.start > range.start) parts.unshift({ ...range, end: piece.start - 1 });
  if (piece.end < range.end) parts.push({ ...range, start: piece.end + 1 });
  ranges.splice(at, 1, ...parts);
  return { kind: "new" };
}
